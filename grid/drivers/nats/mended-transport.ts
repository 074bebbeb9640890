import { NodeTransport } from 'nats/lib/src/node_transport.js'

/** Transports that the driver has replaced by another one. */
const replaced = new WeakSet<NodeTransport>()
const iterate = NodeTransport.prototype.iterate

/**
 * Mends the driver (nats 2.29): when it reconnects it lets the old connection be, and whatever
 * still comes over that one is read by the same parser as what comes over the new one. Bytes of the
 * one end up in messages of the other. Here what was replaced is closed, and says nothing any more.
 */
NodeTransport.prototype.discard = function () {
  replaced.add(this)
  // Its end is no news to the driver: that would end the new connection.
  this.socket?.removeAllListeners()
  this.socket?.on('error', () => undefined)
  this.socket?.destroy()
}

NodeTransport.prototype.iterate = async function* () {
  for await (const bytes of iterate.call(this)) {
    if (replaced.has(this)) return
    yield bytes
  }
}
