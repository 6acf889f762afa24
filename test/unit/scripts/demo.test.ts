import { expect, test } from 'vitest';
import type { Envelope, Reply } from '../../../scripts/demo/caller.ts';
import { formatCurl } from '../../../scripts/demo/curl.ts';
import { createPainter } from '../../../scripts/demo/paint.ts';
import { type Stage, StoryError, tellStory } from '../../../scripts/demo/story.ts';

const ANSWERED: Reply = {
  status: 200,
  outcome: 'answered',
  phases: [
    { name: 'tls', durationMs: 5 },
    { name: 'send', durationMs: 0.01 },
    { name: 'wait', durationMs: 12.4 },
  ],
  totalMs: 20,
  code: undefined,
  success: { payToken: 'token', paidAmount: 15000, payStatus: 'PAY_COMPLETE', refundedAmount: 15000 },
};

/** Plays the service: answers every call the same, and keeps what was asked and printed. */
function stageThat(answer: (envelope: Envelope) => Reply) {
  const asked: Envelope[] = [];
  const printed: string[] = [];
  const stage: Stage = {
    painter: createPainter(false),
    deadHost: 'localhost:1',
    print: (text) => printed.push(text),
    call: async (envelope) => {
      asked.push(envelope);
      return answer(envelope);
    },
  };
  return { stage, asked, printed };
}

test('a story whose calls end otherwise than told is stopped at that call', async () => {
  const { stage, asked, printed } = stageThat(() => ANSWERED);

  await expect(tellStory(stage)).rejects.toThrow(
    new StoryError(
      'Step 6. Execute it, while the payment API breaks off before it answers.\n' +
        'should have ended as HTTP 502, unknown.',
    ),
  );
  expect(asked).toHaveLength(6);
  expect(printed.at(-2)).toContain('Proxy-Outcome: answered');
});

test('a story whose answers have other facts than told is stopped too', async () => {
  const { stage, asked } = stageThat(() => ({ ...ANSWERED, success: { ...ANSWERED.success, paidAmount: 1 } }));

  await expect(tellStory(stage)).rejects.toThrow('should have ended as HTTP 200, answered with paidAmount 15000.');
  expect(asked).toHaveLength(2);
});

test('the bar of a call shows its phases to scale, and leaves blank what none accounts for', () => {
  const painter = createPainter(false);

  expect(painter.timing(ANSWERED)).toBe(
    `   |${'#'.repeat(15)}>${'-'.repeat(36)}        | 20 ms\n    # tls 5.0  > send 0.0  - wait 12`,
  );
  expect(painter.timing({ ...ANSWERED, phases: [{ name: 'wait', durationMs: 2 }], totalMs: 2 })).toBe(
    `   |${'-'.repeat(6)}| 2.0 ms\n    - wait 2.0`,
  );
  expect(painter.timing({ ...ANSWERED, phases: [{ name: 'wait', durationMs: 4000 }], totalMs: 4000 })).toBe(
    `   |${'-'.repeat(60)}| 4000 ms\n    - wait 4000`,
  );
});

test('colour is for terminals', () => {
  expect(createPainter(true).title('x')).toBe('\u001b[1mx\u001b[22m');
  expect(createPainter(false).title('x')).toBe('x');
});

test('a quote in the body does not end the argument of curl', () => {
  expect(formatCurl('http://h', 'KEY', { body: "it's" })).toContain(`-d '{\n  "body": "it'\\''s"\n}'`);
});
