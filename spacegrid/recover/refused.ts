/** What was asked for would do harm, or cannot be done. Nothing has been changed, unless the message says so. */
export class Refused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Refused'
  }
}
