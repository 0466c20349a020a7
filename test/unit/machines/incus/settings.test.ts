import { describe, expect, it } from 'vitest';
import { incusSettings } from '../../../../src/machines/incus/settings.ts';
import { load } from '../../config/fixtures.ts';

const settingsOf = (flags: Record<string, string> = {}) =>
  incusSettings(load({ flags: { MACHINE_ENGINE: 'incus', ...flags } }).config.engineSettings);

describe('incusSettings', () => {
  it('omits settings that are not set, so that the client uses its own', () => {
    expect(settingsOf()).toEqual({ image: 'images:ubuntu/22.04/cloud', targets: [] });
  });

  it('reads every variable', () => {
    const flags = {
      INCUS_IMAGE: 'own',
      INCUS_TYPE: 'container',
      INCUS_REMOTE: 'far',
      INCUS_PROJECT: 'p1',
      INCUS_NETWORK: 'ovn',
      INCUS_TARGETS: 'm1,@fast',
    };
    expect(settingsOf(flags)).toEqual({
      image: 'own',
      type: 'container',
      remote: 'far',
      project: 'p1',
      network: 'ovn',
      targets: ['m1', '@fast'],
    });
  });

  it('uses the image of the configured release', () => {
    expect(settingsOf({ RUN_OS: '24.04' }).image).toBe('images:ubuntu/24.04/cloud');
    expect(settingsOf({ RUN_OS: 'lts' }).image).toBe('images:ubuntu/24.04/cloud');
  });
});
