/** Client certificates: the name is the subject's CN, the role is in its OU. */
import type { TLSSocket } from 'node:tls'
import { type Identity, ROLES } from './role.ts'

/** An OU `tessera-operator` is a role. Others say nothing here: an authority may sign for more than Tessera. */
const PREFIX = 'tessera-'

/** The parts of a certificate that matter. */
export interface Certificate {
  readonly subject?: { readonly CN?: unknown; readonly OU?: unknown } | undefined
  readonly valid_from?: string
  readonly valid_to?: string
}

/** What the other end has shown. It may have shown nothing. */
export function identifyBy(socket: TLSSocket, now: number): Identity {
  const certificate: Certificate | null = socket.getPeerCertificate()
  if (certificate?.subject === undefined) return { is: 'unknown' }
  // The authority's signature and its list of what is revoked are judged when the connection begins.
  if (!socket.authorized) return { is: 'refused', why: whyNot(socket.authorizationError) }
  return identify(certificate, now)
}

/** Of a certificate that the authority has signed. Connections live long: it may have expired since. */
export function identify({ subject, valid_from = '', valid_to = '' }: Certificate, now: number): Identity {
  const refused = (why: string): Identity => ({ is: 'refused', why })
  if (!(Date.parse(valid_to) > now)) return refused(`the certificate expired ${valid_to}`)
  if (!(Date.parse(valid_from) <= now)) return refused(`the certificate is not valid before ${valid_from}`)
  const name = subject?.CN
  if (typeof name !== 'string' || !/^[\x21-\x7e]([\x20-\x7e]{0,61}[\x21-\x7e])?$/.test(name))
    return refused("the certificate's subject has no CN, several, or one that cannot be shown")
  const units = [subject?.OU].flat().filter((one) => typeof one === 'string' && one.startsWith(PREFIX))
  const [role] = ROLES.filter((one) => units.includes(`${PREFIX}${one}`))
  if (role === undefined || units.length !== 1)
    return refused(
      `the certificate's subject needs one OU of ${ROLES.map((one) => PREFIX + one).join(', ')}, and has ${units.length}`,
    )
  return { is: 'known', principal: { name, role, by: 'certificate' } }
}

/** Codes of OpenSSL (openssl-verification-options(1)), for people. */
function whyNot(code: unknown): string {
  const text = code instanceof Error && 'code' in code ? String(code.code) : String(code)
  switch (text) {
    case 'CERT_HAS_EXPIRED':
      return 'the certificate has expired'
    case 'CERT_NOT_YET_VALID':
      return 'the certificate is not valid yet'
    case 'CERT_REVOKED':
      return 'the certificate is revoked'
    case 'CRL_HAS_EXPIRED':
      return 'the list of certificates that are revoked has expired: the daemon needs a newer one'
    default:
      return `the certificate is not one of the authority's (${text})`
  }
}
