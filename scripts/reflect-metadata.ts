/**
 * @peculiar/x509 rests on tsyringe, which does not load unless somebody has brought the reflect-metadata API. It only asks
 * what the constructors of x509's own classes take, and they take nothing. So "nothing known" is the whole answer, and
 * a dependency is spared.
 */
if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata: () => undefined, getOwnMetadata: () => undefined });
}
