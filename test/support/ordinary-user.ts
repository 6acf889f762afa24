const NOBODY = 65_534;

/** Runs a step without root's right to read everything, so that it meets the permissions that a service meets. */
export async function asOrdinaryUser<T>(step: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.();
  if (user !== 0) return step();
  process.seteuid?.(NOBODY);
  try {
    return await step();
  } finally {
    process.seteuid?.(user);
  }
}
