/** The tag in an image's name; undefined where it has none, as with a name by digest alone. Pure. */
export function imageTag(image: string): string | undefined {
  return /:([^/:]+)$/.exec(image.replace(/@.*$/, ''))?.[1];
}

/** Whether a tag is that of a version or of one of its variants, e.g. `1.19.3-distroless`. Pure. */
export function isTagOf(tag: string, version: string): boolean {
  return tag === version || tag.startsWith(`${version}-`);
}

/** Whether an image is of a version, and its version in words: a variant is right, and a digest says nothing of it. Pure. */
export function judgeImage(
  image: string | undefined,
  version: string,
): { readonly shown: string; readonly ok: boolean } {
  if (image === undefined) return { shown: 'not there', ok: false };
  const tag = imageTag(image);
  if (tag !== undefined) return { shown: tag, ok: isTagOf(tag, version) };
  return image.includes('@') ? { shown: 'by digest', ok: true } : { shown: image, ok: false };
}
