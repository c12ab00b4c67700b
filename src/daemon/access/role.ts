import { ROLES as NEEDED, type Role as Needed } from '../../api/route.ts'

/** What somebody may do: each role may what the ones before it may. Routes for `anybody` need none. */
export type Role = Exclude<Needed, 'anybody'>
export const ROLES = NEEDED.filter((role): role is Role => role !== 'anybody')
export type { Needed }

export const includes = (role: Needed, needed: Needed): boolean => NEEDED.indexOf(role) >= NEEDED.indexOf(needed)

/** Whoever asks for something, as far as that is known. */
export interface Principal {
  /** `ci`; of the Unix socket, `uid 1000`. */
  readonly name: string
  readonly role: Needed
  /** How it is known. */
  readonly by: 'socket' | 'certificate' | 'token' | 'nothing'
}

/** Whoever has said nothing. */
export const NOBODY: Principal = { name: 'nobody', role: 'anybody', by: 'nothing' }

/** `token ci`: names of tokens and certificates are given by different people. */
export const principalText = ({ name, by }: Principal): string => (by === 'socket' ? name : `${by} ${name}`)

/** What a request says of whoever asks. */
export type Identity =
  | { readonly is: 'known'; readonly principal: Principal }
  /** There is no credential. */
  | { readonly is: 'unknown' }
  /** There is one, and it does not count: why. */
  | { readonly is: 'refused'; readonly why: string }
