/** Types as they are written → annotations. */
import type * as es from '../parse.ts'
import type { Annotation } from './tree.ts'

/** A type's name, or its fields, or `…` where it is more than that; undefined where there is none, or `void`. */
export const annotationOf = (node: { typeAnnotation: es.TSType } | null | undefined): Annotation | undefined =>
  node ? annotationOfType(node.typeAnnotation) : undefined

export function annotationOfType(type: es.TSType): Annotation | undefined {
  const span = { start: type.start, end: type.end }
  switch (type.type) {
    case 'TSVoidKeyword':
      return undefined
    case 'TSBooleanKeyword':
      return { name: 'bool', span }
    case 'TSNumberKeyword':
      return { name: 'number', span }
    case 'TSTypeLiteral':
      return { name: '…', span, fields: fieldsOf(type.members) }
    case 'TSTypeReference': {
      const { typeName, typeArguments } = type
      return { name: typeName.type === 'Identifier' && !typeArguments ? typeName.name : '…', span }
    }
    default:
      return { name: '…', span }
  }
}

/** `field: type`, each of them. */
export function fieldsOf(members: readonly es.TSSignature[]): ReadonlyMap<string, Annotation> {
  const fields = new Map<string, Annotation>()
  for (const member of members) {
    const isField = member.type === 'TSPropertySignature' && member.key.type === 'Identifier'
    const annotation = isField ? annotationOf(member.typeAnnotation) : undefined
    if (isField && member.key.type === 'Identifier' && annotation !== undefined) fields.set(member.key.name, annotation)
  }
  return fields
}
