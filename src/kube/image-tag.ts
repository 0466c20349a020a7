/** The tag in an image's name; undefined when there is none, as in a name that has only a digest. Pure. */
export function imageTag(image: string): string | undefined {
  return /:([^/:]+)$/.exec(image.replace(/@.*$/, ''))?.[1];
}

/** Whether a tag is this version or one of its variants, e.g. `1.19.3-distroless`. Pure. */
export function isTagOf(tag: string, version: string): boolean {
  return tag === version || tag.startsWith(`${version}-`);
}

/**
 * Whether an image matches a version, and the version to display. A variant matches; a digest counts as a match,
 * because it does not show a version. Pure.
 */
export function judgeImage(
  image: string | undefined,
  version: string,
): { readonly shown: string; readonly ok: boolean } {
  if (image === undefined) return { shown: 'not there', ok: false };
  const tag = imageTag(image);
  if (tag !== undefined) return { shown: tag, ok: isTagOf(tag, version) };
  return image.includes('@') ? { shown: 'by digest', ok: true } : { shown: image, ok: false };
}
