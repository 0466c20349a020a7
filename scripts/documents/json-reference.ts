import { z } from 'zod';
import { DOCUMENT_FORMS, documentSchema, type DocumentForm } from '../../src/ui/json-schema.ts';

/** The part of JSON Schema that zod generates for these documents. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: unknown;
}

const schemaOf = (form: DocumentForm): Schema => z.toJSONSchema(documentSchema(form)) as Schema;

/** Properties whose schemas are shared by the documents of several commands. */
const SHARED = ['error', 'rehearsal', 'verify', 'steps', 'checks'];

/** docs/json-output.schema.json: a definition for the document of each form of command, and for shared properties. */
export function jsonSchemaFile(): string {
  const shared = new Map<string, string>();
  const definitions: Record<string, unknown> = {};
  /** The first of several equal parts becomes a definition that all of them refer to. */
  const withReferences = (name: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => withReferences('', item));
    const copy = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withReferences(key, inner)]));
    if (!SHARED.includes(name) || !('type' in copy)) return copy;
    const text = JSON.stringify(copy);
    const known = shared.get(text) ?? freeName(name, definitions);
    shared.set(text, known);
    definitions[known] = copy;
    return { $ref: `#/$defs/${known}` };
  };
  const documents = DOCUMENT_FORMS.map((form) => {
    const schema = { ...z.toJSONSchema(documentSchema(form)), title: form };
    delete schema.$schema;
    return withReferences('', schema);
  });
  const file = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'istio-vms --output json, version 1',
    $defs: definitions,
    anyOf: documents,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  let free = name;
  for (let number = 2; free in taken; number++) free = `${name}${number}`;
  return free;
}

const TITLES: Readonly<Partial<Record<DocumentForm, string>>> = {
  step: '`k3s`, `istioctl`, `istio`, `eastwest`, `vm`, `workload`, `arm64-patch`, `bootstrap`, `route`',
};

/** Tables of fields: of every document, of errors, and of `data` by command. */
export function jsonReference(): string {
  const [ok, failed] = schemaOf('step').oneOf ?? schemaOf('step').anyOf ?? [];
  const { error, data, ...head } = { ...failed?.properties, ...ok?.properties };
  const shared = ['report', 'rehearsal'];
  const sections = DOCUMENT_FORMS.map((form) => {
    const schema = schemaOf(form);
    const own = (schema.oneOf ?? schema.anyOf ?? [])[0]?.properties?.['data'];
    const properties = Object.entries(own?.properties ?? {}).filter(([name]) => !shared.includes(name));
    return `### ${TITLES[form] ?? `\`${form}\``}\n\n${fieldTable({ ...own, properties: Object.fromEntries(properties) })}`;
  });
  const common = Object.fromEntries(Object.entries(data?.properties ?? {}).filter(([name]) => shared.includes(name)));
  return [
    `## Every document\n\n${fieldTable({ properties: { ...head, outcome: { enum: ['ok', 'error'] } }, required: [...Object.keys(head)] })}`,
    `## \`error\`\n\nPresent when \`outcome\` is \`error\`. Any field of \`data\` may then be absent.\n\n${fieldTable(error ?? {})}`,
    `## \`data\`\n\nFields that several commands have:\n\n${fieldTable({ properties: common })}`,
    ...sections,
  ].join('\n\n');
}

function fieldTable(schema: Schema): string {
  const rows = fields(schema, '').map(({ path, type, text }) => `| \`${path}\` | ${type} | ${text} |`);
  return ['| field | type | |', '| --- | --- | --- |', ...rows].join('\n');
}

interface Field {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

function fields({ properties = {}, required = [] }: Schema, prefix: string): readonly Field[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    const inner = schema.items ?? schema;
    const below =
      inner.properties === undefined ? [] : fields(inner, `${path}${schema.items === undefined ? '' : '[]'}.`);
    const optional = required.includes(name) ? '' : ', optional';
    return [{ path, type: `${typeOf(schema)}${optional}`, text: schema.description ?? '' }, ...below];
  });
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  // The long list of reasons is documented on its own page.
  if (schema.enum !== undefined) {
    return schema.enum.length > 10 ? 'string' : schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ');
  }
  if (schema.items !== undefined) return `array of ${typeOf(schema.items)}`;
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  return schema.type ?? 'any';
}
