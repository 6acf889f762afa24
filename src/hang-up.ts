/**
 * SIGHUP asks for a reload. It ends a process that does not listen for it, so this module is the first that runs; what
 * is asked for while the start is under way is done when it is over.
 */

let isPending = false;
let onHangUp = (): void => {
  isPending = true;
};
process.on('SIGHUP', () => onHangUp());

/** @param listener called for every SIGHUP from now on, and at once if one has come before */
export function listenForHangUp(listener: () => void): void {
  onHangUp = listener;
  if (isPending) listener();
}
