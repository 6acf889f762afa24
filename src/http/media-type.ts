import { ProxyError } from '../errors.ts';
import type { Handler } from './call.ts';

/** `application/json`, with no charset but UTF-8 (RFC 8259 §8.1, §11). */
const JSON_IN_UTF8 = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?;?[ \t]*$/i;

/** Lets JSON in UTF-8 pass that does not already declare to be too long. */
export function acceptJson(limitBytes: number): Handler {
  return (request, _response, next) => {
    const { 'content-type': type = '', 'content-encoding': coding, 'content-length': length } = request.headers;
    if (!JSON_IN_UTF8.test(type)) throw new ProxyError('unsupported_media_type');
    if (coding !== undefined && coding.toLowerCase() !== 'identity') throw new ProxyError('unsupported_media_type');
    if (length !== undefined && Number(length) > limitBytes) throw new ProxyError('payload_too_large');
    next();
  };
}
