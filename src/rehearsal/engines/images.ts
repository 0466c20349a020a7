/** Every Ubuntu release of which there is an image. */
export const UBUNTU_RELEASES: ReadonlySet<string> = new Set(['20.04', '22.04', '24.04', '25.10', '26.04']);
