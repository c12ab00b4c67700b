/** The types that values get: by what is declared, and by what they are. */
import { isList, isType, type Type } from '../../lang/index.ts'
import { type Module, resolve, resolveType } from '../modules.ts'
import type { Annotation } from '../narrow/tree.ts'
import { rangeOf, type ValueType } from '../typed.ts'
import type { Scope } from './scope.ts'

/** A constant without a declared type: 32 bits if they hold it, else 64; signed if it is negative. */
export const typeOfConstant = (value: bigint): ValueType => {
  const signed = value < 0n
  const narrow = { kind: 'int', bits: 32, signed } as const
  const [least, most] = rangeOf(narrow)
  return value >= least && value <= most ? narrow : { kind: 'int', bits: 64, signed }
}

/** The type that an annotation names; undefined where it names none that the language has. */
export function typeOfAnnotation(scope: Scope, annotation: Annotation | undefined): ValueType | undefined {
  const { type } = annotation === undefined ? { type: undefined } : resolved(scope, scope.module, annotation)
  if (type !== 'number') return type
  throw scope.unfit(
    annotation?.span ?? { start: 0, end: 0 },
    'a number has no width in the kernel',
    'write u8, u16, u32, u64, i32 or i64',
  )
}

/** The types of a record's fields, where an annotation has them. */
export function fieldTypes(
  scope: Scope,
  annotation: Annotation | undefined,
): ReadonlyMap<string, ValueType> | undefined {
  if (annotation === undefined) return undefined
  const { module, annotation: found } = resolved(scope, scope.module, annotation)
  if (found.fields === undefined) return undefined
  const types = [...found.fields].flatMap(([name, one]): [string, ValueType][] => {
    const { type } = resolved(scope, module, one)
    if (type === 'number')
      throw scope.unfit(
        annotation.span,
        `\`${name}\` is a number, which has no width in the kernel`,
        'write u8, u16, u32, u64, i32 or i64',
      )
    return type === undefined ? [] : [[name, type]]
  })
  return new Map(types)
}

interface ResolvedType {
  readonly type: ValueType | 'number' | undefined
  /** Where it was found in the end. */
  readonly module: Module
  readonly annotation: Annotation
}

/** Names of types stand for others, `type Port = u16`, in other modules perhaps. */
function resolved({ compilation: { modules } }: Scope, start: Module, given: Annotation): ResolvedType {
  let [module, annotation] = [start, given]
  for (const seen = new Set<Annotation>(); !seen.has(annotation); ) {
    seen.add(annotation)
    const { name } = annotation
    if (name === 'bool') return { type: { kind: 'bool' }, module, annotation }
    if (name === 'number') return { type: 'number', module, annotation }
    const value = resolve(modules, module, name)
    if (value?.kind === 'value' && isType(value.value)) return { type: typeOfDeclared(value.value), module, annotation }
    const alias = resolveType(modules, module, name)
    if (alias === undefined) break
    module = alias.module
    annotation = alias.annotation
  }
  return { type: undefined, module, annotation }
}

/** The same where a value is kept: there a type that is not the language's would promise a width to an integer. */
export function typeOfKept(scope: Scope, annotation: Annotation | undefined, given: ValueType): ValueType | undefined {
  const declared = typeOfAnnotation(scope, annotation)
  const hasWidth = given.kind !== 'reference' && given.kind !== 'address'
  if (declared !== undefined || annotation === undefined || !hasWidth) return declared
  const what = annotation.name === '…' ? 'this type' : `the type \`${annotation.name}\``
  throw scope.unfit(
    annotation.span,
    `${what} is not one of the language`,
    'import and write u8, u16, u32, u64, i32, i64, mac, ipv4 or ipv6; or boolean',
  )
}

/** The type of a value that was declared with one of the language's types. */
export function typeOfDeclared(type: Type): ValueType {
  if (isList(type)) return { kind: 'list', list: type }
  const { kind, layout, width = 0 } = type
  if (kind === 'bool') return { kind: 'bool' }
  if (kind === 'mac' || kind === 'ipv4' || kind === 'ipv6') return { kind: 'address', role: kind }
  if (kind === 'bits')
    return { kind: 'int', bits: ([8, 16, 32, 64] as const).find((bits) => bits >= width) ?? 64, signed: false }
  const signed = layout.kind === 'scalar' && layout.signed
  return { kind: 'int', bits: (layout.size * 8) as 8 | 16 | 32 | 64, signed }
}
