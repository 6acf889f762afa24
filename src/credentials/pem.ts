/** Turns what a variable or a file holds into PEM text (RFC 7468), or says why it is none. Knows no variable's name. */

export type PemText = { readonly ok: true; readonly pem: string } | { readonly ok: false; readonly fault: string };

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`… */
  readonly label: string;
  /** The whole block with its BEGIN and END lines. */
  readonly text: string;
}

const BEGIN = '-----BEGIN ';
/** How the Base64 of a PEM file begins. */
const ENCODED_BEGIN = Buffer.from('-----BEGIN').toString('base64').slice(0, 13);
/** The first byte of every DER file: an ASN.1 SEQUENCE. PKCS#12 is one, too. */
const DER_SEQUENCE = 0x30;

const TO_PEM = '"openssl x509 -inform der", "openssl pkey -inform der" or "openssl pkcs12 -nodes" turns it into PEM';

const PATH_FAULT = 'this looks like a path. Use the variable of this name that ends in _FILE.';

export function pemFromBase64(value: string): PemText {
  if (value.includes(BEGIN)) {
    return fault('this holds PEM text, but Base64 belongs here. Write what "base64 -w0 FILE" prints.');
  }
  if (looksLikePath(value)) return fault(PATH_FAULT);
  const text = unquoted(value).replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    return fault('this is not Base64. Write what "base64 -w0 FILE" prints, without anything around it.');
  }
  const content = Buffer.from(text, 'base64');
  if (content.toString('latin1').startsWith(ENCODED_BEGIN)) {
    return fault('this is Base64 of Base64. Encode the PEM file once only.');
  }
  return pemFromBytes(content);
}

/** @param value text whose line breaks are real or written as `\n`; quotes around it are no part of it */
export function pemFromText(value: string): PemText {
  if (looksLikePath(value)) return fault(PATH_FAULT);
  const text = unquoted(value).replaceAll(/(?:\\r)?\\n/g, '\n');
  return text.startsWith(ENCODED_BEGIN)
    ? fault('this holds Base64, but PEM text belongs here. Use the variable of this name that ends in _B64.')
    : wholePem(text);
}

export function pemFromFile(content: Buffer): PemText {
  if (content.length === 0) return fault('the file that this names is empty.');
  return content.toString('latin1').startsWith(ENCODED_BEGIN)
    ? fault('the file that this names holds Base64. Name the PEM file itself, or use the variable that ends in _B64.')
    : pemFromBytes(content);
}

/** The blocks of a PEM text, in their order; what stands between them is commentary (RFC 7468 §2). */
export function pemBlocks(pem: string): readonly PemBlock[] {
  return [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]+)-----\n[\s\S]*?\n-----END \1-----$/gm)].map(
    ([text, label = '']) => ({
      label,
      text: `${text}\n`,
    }),
  );
}

function pemFromBytes(content: Buffer): PemText {
  return content[0] === DER_SEQUENCE && !content.includes(BEGIN)
    ? fault(`this is DER or PKCS#12, but PEM is needed. ${TO_PEM}.`)
    : wholePem(content.toString('utf8'));
}

function wholePem(text: string): PemText {
  // A byte order mark (trim takes it), CRLF and the indentation of a YAML file are harmless.
  const pem = text.trim().replaceAll(/[ \t]*\r?\n[ \t]*/g, '\n');
  const begins = pem.split(BEGIN).length - 1;
  if (begins === 0) return fault('this holds no PEM: a line "-----BEGIN …-----" is missing.');
  if (pem.split('-----END ').length - 1 < begins) {
    return fault(
      'this PEM breaks off: its END line is missing. In a .env, write it on one line, each line break as \\n.',
    );
  }
  return pemBlocks(pem).length < begins
    ? fault('the line breaks of this PEM are lost, or its BEGIN and END lines differ. Write each line break as \\n.')
    : { ok: true, pem };
}

function looksLikePath(value: string): boolean {
  return /^(?:~|\.{0,2})\//.test(value);
}

function unquoted(value: string): string {
  return /^\s*(["'])([\s\S]*)\1\s*$/.exec(value)?.[2] ?? value.trim();
}

function fault(text: string): PemText {
  return { ok: false, fault: text };
}
