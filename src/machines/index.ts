import type { EngineDefinition } from './definition.ts';
import { incus } from './incus/settings.ts';
import { multipass } from './multipass/settings.ts';

/** Every engine, by the name that MACHINE_ENGINE takes; the first is the default. */
export const ENGINES = { multipass, incus } as const satisfies Record<string, EngineDefinition>;
