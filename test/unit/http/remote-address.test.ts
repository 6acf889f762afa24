import { describe, expect, it } from 'vitest';
import { forwardedAddress } from '../../../src/http/remote-address.ts';

const addressIn = (header: string | undefined) =>
  forwardedAddress({ headers: header === undefined ? {} : { 'x-forwarded-for': header } });

describe('the address that a balancer saw', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['made-up,203.0.113.7', '203.0.113.7'],
    [' 203.0.113.7 ', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]:51234', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('is the last item of %j', (header, address) => {
    expect(addressIn(header)).toBe(address);
  });

  it.each([
    undefined,
    '',
    '203.0.113.7,',
    'unknown',
    '_hidden',
    'localhost',
    '203.0.113.700',
    '203.0.113.7 203.0.113.8',
    'fe80::1%a-secret',
    '203.0.113.7:a-secret',
    '[203.0.113.7',
    '203.0.113.7, a-secret',
  ])('is not made of %j', (header) => {
    expect(addressIn(header)).toBeUndefined();
  });
});
