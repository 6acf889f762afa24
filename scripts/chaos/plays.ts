/** The ways in which a payment API can behave once it has begun to read a request; each is one small function. */
import type { PlannedAnswer } from './answers.ts';
import type { Line } from './line.ts';
import type { Random } from './random.ts';
import { cut, type Framing, write } from './wire.ts';

/** One request and the connection that it came over. */
export interface Turn {
  readonly line: Line;
  /**
   * Sends the last bytes of the answer: the next request may come.
   * @returns whether none has come by the time at which the system has them
   */
  readonly finish: (bytes: Buffer) => Promise<boolean>;
  readonly method: string;
  readonly answer: PlannedAnswer;
  readonly random: Random;
}

export type Play = (turn: Turn) => Promise<unknown>;

const RUBBISH = [
  '\u0000\u0001\u0002\r\n\r\n',
  'SSH-2.0-OpenSSH_9.6\r\n',
  'HTTP/1.1 \r\n\r\n',
  'HTTP/9.9 200 OK\r\n\r\n',
];
const ANOTHER_ANSWER = 'HTTP/1.1 200 OK\r\nX-Answer-To: nobody\r\nContent-Length: 0\r\n\r\n';

/** Answers in one write; says whether the connection is still this request's own afterwards. */
export function answers(framing: Framing = 'length', extra: readonly (readonly [string, string])[] = []) {
  return ({ finish, method, answer, random }: Turn): Promise<boolean> => {
    const { head, body } = write(answer, method, framing, random, extra);
    return finish(Buffer.concat([head, body]));
  };
}

/** Answers in pieces that end anywhere, also within a character or a header, with short rests between them. */
export function answersInPieces(framing: Framing): Play {
  return async ({ line, finish, method, answer, random }) => {
    const { head, body } = write(answer, method, framing, random);
    const pieces = cut(Buffer.concat([head, body]), random.between(2, 10), random);
    const last = pieces.pop() ?? Buffer.alloc(0);
    for (const piece of pieces) {
      await line.write(piece);
      await line.pause(random.between(0, 3));
    }
    await finish(last);
  };
}

export const answersLater: Play = async (turn) => {
  await turn.line.pause(turn.random.between(5, 120));
  await answers()(turn);
};

/** 1xx answers come first, which are not final (RFC 9110 §15.2). */
export const answersInterim: Play = async (turn) => {
  const { line, random } = turn;
  for (let times = random.between(1, 3); times > 0; times -= 1) {
    await line.write(random.pick(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n']));
    await line.pause(random.between(0, 2));
  }
  await answers()(turn);
};

export const answersWithHint: Play = (turn) => {
  const seconds = turn.random.between(3, 60);
  return answers('length', [['Keep-Alive', `timeout=${seconds}, max=${turn.random.between(2, 100)}`]])(turn);
};

export const answersAndSaysClose: Play = async (turn) => {
  if (await answers('length', [['Connection', 'close']])(turn)) turn.line.end();
};

/** What a server does whose idle time is very short, or that has just been told to stop. */
export const answersThenEnds: Play = async (turn) => {
  if (await answers()(turn)) turn.line.end();
};

export const answersThenResets: Play = async (turn) => {
  if (await answers()(turn)) turn.line.reset();
};

/** The bytes behind the answer would be the next call's answer if the connection were used again. */
export const answersAndGoesOn: Play = ({ finish, method, answer, random }) => {
  const { head, body } = write(answer, method, 'length', random);
  return finish(Buffer.concat([head, body, Buffer.from(ANOTHER_ANSWER)]));
};

/** The end of the connection is the end of the body (RFC 9112 §6.3). */
export const answersUntilTheEnd: Play = async ({ line, method, answer, random }) => {
  const { head, body } = write(answer, method, 'close', random);
  await line.write(Buffer.concat([head, body]));
  line.end();
};

/** Nobody can tell that this one is not whole. */
export const endsUntoldBody: Play = async ({ line, method, answer, random }) => {
  const { head, body } = write(answer, method, 'close', random);
  await line.write(Buffer.concat([head, body.subarray(0, random.between(0, body.length - 1))]));
  if (random.chance(0.5)) line.end();
  else line.cut();
};

export const resets: Play = async ({ line, random }) => {
  if (random.chance(0.5)) await line.pause(random.between(0, 10));
  line.reset();
};

export const ends: Play = async ({ line, random }) => {
  if (random.chance(0.5)) await line.pause(random.between(0, 10));
  if (random.chance(0.5)) line.end();
  else line.cut();
};

/** Refuses our certificate although the request has been read. */
export const alerts: Play = async ({ line }) => line.refuseCertificate();

export const isSilent: Play = ({ line }) => line.closed;

export const talksRubbish: Play = async ({ line, random }) => {
  await line.write(random.pick(RUBBISH));
  if (random.chance(0.5)) line.end();
};

/** More headers than Node's parser takes (16 KiB). */
export const talksTooMuch: Play = async ({ line }) => {
  await line.write(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(20_000)}\r\nContent-Length: 0\r\n\r\n`);
};

export const switchesProtocols: Play = async ({ line }) => {
  await line.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
};

/** Sends the head and a part of the body, and then something else happens. */
export function breaksOff(framing: Framing, then: 'reset' | 'end' | 'silence'): Play {
  return async ({ line, method, answer, random }) => {
    const { head, body } = write(answer, method, framing, random);
    // Some large answers break off late, when the service has long begun to send them on.
    const least = Math.floor(body.length * random.pick([0, 0.7]));
    await line.write(Buffer.concat([head, body.subarray(0, random.between(least, body.length - 1))]));
    await line.pause(random.between(0, 10));
    if (then === 'silence') await line.closed;
    else if (then === 'reset') line.reset();
    else if (random.chance(0.5)) line.end();
    else line.cut();
  };
}
