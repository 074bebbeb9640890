/** Callers of a grid by NATS, in Node: straight to the units that keep what is asked. */

export { type NatsTransportOptions, natsTransport } from './nats-transport.ts'
