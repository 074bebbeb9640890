import { readFileSync } from 'node:fs'
import { GridError } from '../core/errors.ts'

/** A server's URL as its driver takes it, and what is in the files that it has named. */
export interface UrlWithFiles {
  /** With the password of the file in its place. */
  readonly url: string
  /** By the name of the parameter. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * A URL may name a file that holds its password (`?passwordFile=`), so that the URL itself is no
 * secret and may stand in environments, on command lines and in `cluster.json`.
 * @param variable in which people have set it
 * @param others parameters whose files the driver does not read by itself; they are taken out
 * @throws GridError `configuration_invalid`
 */
export function filesOfUrl(
  variable: string,
  url: string,
  others: readonly string[] = [],
): UrlWithFiles {
  const [address = '', query = ''] = url.split(/\?(.*)/s, 2)
  const parameters = query.split('&').filter((part) => part !== '')
  const nameOf = (parameter: string) => parameter.split('=', 1)[0] ?? ''
  const taken = ['passwordFile', ...others]
  const files = Object.fromEntries(
    parameters
      .filter((parameter) => taken.includes(nameOf(parameter)))
      .map((parameter) => {
        const name = nameOf(parameter)
        return [name, contentOf(variable, decodeURIComponent(parameter.slice(name.length + 1)))]
      }),
  )
  const rest = parameters.filter((parameter) => !taken.includes(nameOf(parameter)))
  const known = rest.length === 0 ? address : `${address}?${rest.join('&')}`
  const { passwordFile: password, ...read } = files
  return {
    url: password === undefined ? known : withPassword(variable, known, password),
    files: read,
  }
}

function withPassword(variable: string, url: string, password: string): string {
  const [, protocol = '', user = '', rest = ''] =
    /^([^/]+:\/\/)(?:([^@/?]*)@)?(.*)$/s.exec(url) ?? []
  if (user.includes(':'))
    throw new GridError(
      'configuration_invalid',
      `${variable} has a password and names a file of one`,
    )
  return `${protocol}${user}:${encodeURIComponent(password.trim())}@${rest}`
}

/** What is in a file that a URL names. @throws GridError `configuration_invalid` */
export function contentOf(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new GridError('configuration_invalid', `${variable}: ${file} cannot be read (${code})`, {
      cause,
    })
  }
}
