import type { Space } from '../../core/definition.ts'

/** What a reader should know before the first request; Markdown. */
export function introduction(spaces: readonly Space[]): string {
  const names = spaces.map(({ name }) => `**${name}**`)
  const what = names.length === 1 ? `The space ${names[0]}` : `The spaces ${names.join(' and ')}`
  return `${what} of a Spacegrid data grid: its data are in the memory of
processing units, which agree with each other on every change.

- A **command** (\`POST\`) is one transaction: all of it happens, or nothing. Sent with an \`Idempotency-Key\` it may be
  sent again after any failure, and takes effect once.
- A **query** and an **entry** (\`GET\`) are answered from one committed state. Send the \`Grid-Position\` of an earlier answer
  with them, and they include all that it did.
- An **error** is a problem document (RFC 9457) with a stable \`code\`. Status 409 is a business "no" with its \`reason\`;
  503 and 507 mean that nothing has happened and that \`Retry-After\` says when to try again; after 504 it may have happened:
  send it again with the same key.
- Every answer has an \`X-Request-Id\`: name it when something needs looking into.`
}

/** Points of a grid, one of them lit. */
export const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">
<rect width="32" height="32" rx="7" fill="#101828"/>
<g fill="#98a2b3"><circle cx="9" cy="9" r="2.6"/><circle cx="16" cy="9" r="2.6"/><circle cx="23" cy="9" r="2.6"/>
<circle cx="9" cy="16" r="2.6"/><circle cx="23" cy="16" r="2.6"/><circle cx="9" cy="23" r="2.6"/>
<circle cx="16" cy="23" r="2.6"/><circle cx="23" cy="23" r="2.6"/></g><circle cx="16" cy="16" r="3.6" fill="#2dd4bf"/></svg>
`

/** The bar on top asks for the URL of another document, which nobody has. */
export const pageStyle = `.swagger-ui .topbar { background: #101828; padding: 8px 0; }
.swagger-ui .topbar .download-url-wrapper { display: none; }
.swagger-ui .topbar .link { flex: none; max-width: none; }
.swagger-ui .topbar .link img { height: 32px; width: 32px; }
.swagger-ui .topbar .link::after { content: "Spacegrid"; color: #f9fafb; font: 600 18px system-ui, sans-serif; margin-left: 10px; }
.swagger-ui .info { margin: 28px 0; }
.swagger-ui .info .title small.version-stamp { background-color: #0f766e; }
.swagger-ui .scheme-container { display: none; }
`
