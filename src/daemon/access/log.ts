/** What no line of a log may have in it: credentials. */
import { TOKEN } from './tokens.ts'

/** For `pino({ redact: SECRETS })`: header fields by which somebody is known, wherever requests and errors have them. */
export const SECRETS = {
  paths: ['', 'req.', 'request.', 'err.', '*.'].flatMap((at) =>
    ['headers.authorization', 'headers.cookie', 'authorization', 'token'].map((name) => at + name),
  ),
  censor: '…',
}

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs

/** Without what looks like a secret, however it came into the text. */
export const withoutSecrets = (text: string): string =>
  text.replace(TOKEN, 'tessera_…').replace(PRIVATE_KEY, '(a private key)')

/** Where a log goes, behind {@link withoutSecrets}: `pino({ redact: SECRETS }, discreet(stream))`. */
export const discreet = (stream: { write(line: string): unknown }) => ({
  write: (line: string): void => void stream.write(withoutSecrets(line)),
})
