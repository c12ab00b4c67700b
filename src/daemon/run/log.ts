import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { discreet, SECRETS } from '../access/log.ts'

export type { Logger }
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]

const STANDARD_ERROR = 2

/** To standard error: for people where that is a terminal, else a JSON document a line. No line has a secret. */
export async function openLog(level: Level): Promise<Logger> {
  const stream = process.stderr.isTTY ? await forPeople() : destination({ dest: STANDARD_ERROR, sync: true })
  return pino({ level, redact: SECRETS, base: null, timestamp: pino.stdTimeFunctions.isoTime }, discreet(stream))
}

async function forPeople(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ destination: STANDARD_ERROR, sync: true, translateTime: 'SYS:HH:MM:ss' })
}
