import type { AnswerShape } from './answers.ts';
import * as shapes from './answers.ts';
import type { Play } from './plays.ts';
import * as plays from './plays.ts';

/** One way in which the payment API treats a request that it has begun to read. */
export interface Reply {
  /** How often, compared with the others. */
  readonly weight: number;
  readonly answer: AnswerShape;
  readonly play: Play;
  /** What the call must end as if nothing else ends it; `either` where a race decides. */
  readonly makes: 'answered' | 'unknown' | 'either';
  /** It needs an answer with a body, so HEAD is not answered like this. */
  readonly needsBody?: true;
  /** It does not wait until the request has been read whole. */
  readonly isEarly?: true;
  /** It goes on until the service gives up. */
  readonly isEndless?: true;
  /** It closes an idle connection. The service learns from that not to reuse any, so only some hosts do it. */
  readonly closesIdle?: true;
}

const { small, held, streamed } = shapes;

/** Everything that we know a payment API, or a box in front of it, to do with a request. */
export const REPLIES = {
  'answers in one write': { weight: 60, answer: small, play: plays.answers(), makes: 'answered' },
  'answers in odd chunks': {
    weight: 4,
    answer: held,
    play: plays.answers('chunks'),
    makes: 'answered',
    needsBody: true,
  },
  'answers in pieces': { weight: 3, answer: small, play: plays.answersInPieces('length'), makes: 'answered' },
  'answers in pieces of chunks': {
    weight: 3,
    answer: held,
    play: plays.answersInPieces('chunks'),
    makes: 'answered',
    needsBody: true,
  },
  'splits characters': {
    weight: 3,
    answer: shapes.korean,
    play: plays.answersInPieces('length'),
    makes: 'answered',
    needsBody: true,
  },
  'answers large': { weight: 3, answer: shapes.large, play: plays.answers(), makes: 'answered', needsBody: true },
  'answers large in chunks': {
    weight: 2,
    answer: shapes.large,
    play: plays.answersInPieces('chunks'),
    makes: 'answered',
    needsBody: true,
  },
  'answers later': { weight: 3, answer: small, play: plays.answersLater, makes: 'answered' },
  'says 1xx first': { weight: 3, answer: small, play: plays.answersInterim, makes: 'answered' },
  'answers without a body': { weight: 3, answer: shapes.bodiless, play: plays.answers(), makes: 'answered' },
  'sets several cookies': { weight: 3, answer: shapes.withCookies, play: plays.answers(), makes: 'answered' },
  'answers in gzip': { weight: 3, answer: shapes.gzipped, play: plays.answers(), makes: 'answered' },
  'hints at keep-alive': { weight: 3, answer: small, play: plays.answersWithHint, makes: 'answered' },
  'answers and says close': { weight: 3, answer: small, play: plays.answersAndSaysClose, makes: 'answered' },
  'answers and goes on': { weight: 2, answer: small, play: plays.answersAndGoesOn, makes: 'answered' },
  'answers before it has read': { weight: 2, answer: small, play: plays.answers(), makes: 'answered', isEarly: true },
  'answers early and resets': {
    weight: 1,
    answer: small,
    play: plays.answersThenResets,
    makes: 'either',
    isEarly: true,
    closesIdle: true,
  },
  'answers, then ends': { weight: 8, answer: small, play: plays.answersThenEnds, makes: 'answered', closesIdle: true },
  'answers, then resets': {
    weight: 4,
    answer: small,
    play: plays.answersThenResets,
    makes: 'either',
    closesIdle: true,
  },
  'answers with a 408': { weight: 1, answer: shapes.requestTimeout, play: plays.answers(), makes: 'unknown' },
  'answers until the end': {
    weight: 2,
    answer: held,
    play: plays.answersUntilTheEnd,
    makes: 'unknown',
    needsBody: true,
  },
  'answers large until the end': {
    weight: 1,
    answer: streamed,
    play: plays.answersUntilTheEnd,
    makes: 'unknown',
    needsBody: true,
  },
  'ends a body of untold length': {
    weight: 1,
    answer: held,
    play: plays.endsUntoldBody,
    makes: 'unknown',
    needsBody: true,
  },
  'resets after reading': { weight: 3, answer: small, play: plays.resets, makes: 'unknown' },
  'resets while reading': { weight: 2, answer: small, play: plays.resets, makes: 'unknown', isEarly: true },
  'ends after reading': { weight: 3, answer: small, play: plays.ends, makes: 'unknown' },
  'refuses the certificate late': { weight: 3, answer: small, play: plays.alerts, makes: 'unknown' },
  'is silent': { weight: 1, answer: small, play: plays.isSilent, makes: 'unknown', isEndless: true },
  'talks rubbish': { weight: 2, answer: small, play: plays.talksRubbish, makes: 'unknown', isEndless: true },
  'sends oversized headers': { weight: 1, answer: small, play: plays.talksTooMuch, makes: 'unknown' },
  'switches protocols': { weight: 1, answer: small, play: plays.switchesProtocols, makes: 'unknown' },
  'resets half an answer': {
    weight: 2,
    answer: held,
    play: plays.breaksOff('length', 'reset'),
    makes: 'unknown',
    needsBody: true,
  },
  'ends half an answer': {
    weight: 2,
    answer: held,
    play: plays.breaksOff('chunks', 'end'),
    makes: 'unknown',
    needsBody: true,
  },
  'resets half a large answer': {
    weight: 2,
    answer: streamed,
    play: plays.breaksOff('length', 'reset'),
    makes: 'unknown',
    needsBody: true,
  },
  'ends half a large answer': {
    weight: 2,
    answer: streamed,
    play: plays.breaksOff('chunks', 'end'),
    makes: 'unknown',
    needsBody: true,
  },
  'stops in half an answer': {
    weight: 1,
    answer: streamed,
    play: plays.breaksOff('length', 'silence'),
    makes: 'unknown',
    needsBody: true,
    isEndless: true,
  },
} as const satisfies Record<string, Reply>;

export type ReplyName = keyof typeof REPLIES;
