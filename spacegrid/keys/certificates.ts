import { isIP } from 'node:net'
import { generate } from 'selfsigned'

/** A certificate and its private key, as PEM. */
export interface CertifiedKey {
  readonly certificate: string
  readonly key: string
}

const yearsOf = { authority: 10, server: 2 } as const
const drawn = { keyType: 'ec', algorithm: 'sha256' } as const

/** Who signs the certificates of a grid's servers. */
export async function makeAuthority(): Promise<CertifiedKey> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'Spacegrid' }], {
    ...drawn,
    ...validFor(yearsOf.authority),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { certificate: cert, key }
}

/**
 * Of one server, signed by the authority.
 * @param hosts names and addresses by which clients know it, the first one above all
 */
export async function makeServerCertificate(
  authority: CertifiedKey,
  hosts: readonly [string, ...string[]],
): Promise<CertifiedKey> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: hosts[0] }], {
    ...drawn,
    ...validFor(yearsOf.server),
    ca: { key: authority.key, cert: authority.certificate },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      // MongoDB speaks to itself as a client.
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) =>
          isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host },
        ),
      },
    ],
  })
  return { certificate: cert, key }
}

function validFor(years: number): { notBeforeDate: Date; notAfterDate: Date } {
  // Clocks of other machines may be behind.
  const notBeforeDate = new Date(Date.now() - 3_600_000)
  const notAfterDate = new Date(notBeforeDate)
  notAfterDate.setFullYear(notAfterDate.getFullYear() + years)
  return { notBeforeDate, notAfterDate }
}
