/** An authority of a test's own, and what it signs: files in PEM, made by openssl(1). */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export interface Authority extends CertificateFiles {
  /** `subject` as openssl(1) reads it, `/CN=alice/OU=tessera-viewer`. One that ends before it begins has expired. */
  readonly sign: (name: string, subject: string, days?: number) => CertificateFiles
  /** Writes the list of those that are revoked, which lasts so many seconds, and gives its file. */
  readonly revoke: (whose: readonly CertificateFiles[], seconds?: number) => string
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export function makeAuthority(folder: string, name = 'authority'): Authority {
  const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { stdio: 'pipe' })
  const at = (file: string) => join(folder, `${name}-${file}`)
  const own = { certificate: at('ca.pem'), key: at('ca.key') }
  const begin = ['req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`]
  openssl(...begin, '-keyout', own.key, '-out', own.certificate)
  return {
    ...own,
    sign(whose, subject, days = 1) {
      const [key, certificate, request, extensions] = ['key', 'pem', 'csr', 'ext'].map((end) => at(`${whose}.${end}`))
      if (!key || !certificate || !request || !extensions) throw new Error('no names')
      writeFileSync(extensions, 'subjectAltName = DNS:localhost, IP:127.0.0.1\n')
      openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject, '-multivalue-rdn')
      const signed = ['-CA', own.certificate, '-CAkey', own.key, '-CAcreateserial', '-extfile', extensions]
      openssl('x509', '-req', '-in', request, ...signed, '-days', String(days), '-out', certificate)
      return { key, certificate }
    },
    revoke(whose, seconds = 86_400) {
      const [config, index, list] = [at('ca.cnf'), at('index.txt'), at('crl.pem')]
      writeFileSync(index, '')
      writeFileSync(config, `[ca]\ndefault_ca = own\n[own]\ndatabase = ${index}\ndefault_md = sha256\n`)
      const ca = ['ca', '-config', config, '-cert', own.certificate, '-keyfile', own.key]
      for (const { certificate } of whose) openssl(...ca, '-revoke', certificate)
      openssl(...ca, '-gencrl', '-crlsec', String(seconds), '-out', list)
      return list
    },
  }
}
