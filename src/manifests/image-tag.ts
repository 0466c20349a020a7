/** The tag in an image's name; undefined where it has none, as with a name by digest alone. Pure. */
export function imageTag(image: string): string | undefined {
  return /:([^/:]+)$/.exec(image.replace(/@.*$/, ''))?.[1];
}

/** Whether a tag is that of a version or of one of its variants, e.g. `1.19.3-distroless`. Pure. */
export function isTagOf(tag: string, version: string): boolean {
  return tag === version || tag.startsWith(`${version}-`);
}
