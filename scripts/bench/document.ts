const BEGIN = '<!-- bench: what follows is written by npm run bench -->';
const END = '<!-- bench: end -->';

/**
 * Puts a report into a document, in place of the last one.
 *
 * @throws when the document does not have the two marks
 */
export function withReport(document: string, report: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin === -1 || end === -1) throw new Error(`The document needs the lines "${BEGIN}" and "${END}"`);
  return `${document.slice(0, begin + BEGIN.length)}\n\n${report}\n\n${document.slice(end)}`;
}
