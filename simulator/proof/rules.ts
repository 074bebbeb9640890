/** A rule of the design, and the change to the source that breaks it. */
export interface Rule {
  /** What the rule demands. */
  readonly name: string
  readonly file: string
  /** Text that stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Tests that catch it where the simulator cannot: it lies below the simulated ports, or costs no correctness of data. */
  readonly tests?: readonly string[]
}

/** architecture.md, section 3: the number is the invariant's. */
export const rules: readonly Rule[] = [
  {
    name: '1: expiry is judged by the time of the log',
    file: 'grid/src/space/evaluation.ts',
    find: 'if (time < transaction.notBefore || !isValid(view, transaction)) return collided',
    replace: 'if (!isValid(view, transaction)) return collided',
    tests: ['grid/src/space', 'grid/src/unit/expiry.test.ts'],
  },
  {
    name: '1: the time of a record is held against its sender’s',
    file: 'grid/src/space/record-time.ts',
    find: 'at === undefined || Math.abs(time - at) <= clockJumpMsMax',
    replace: 'at === undefined || true',
    tests: ['grid/src/space/record-time.test.ts'],
  },
  {
    name: '1: time goes on when the clock of the log is set back',
    file: 'grid/src/space/record-time.ts',
    find: 'return isKept && at > time && at - reached <= clockSilentMsMax ? at : Math.min(at, time)',
    replace: 'return isKept ? Math.min(at, time, reached) : Math.min(at, time)',
    tests: ['grid/src/unit/clocks.test.ts'],
  },
  {
    name: 'the time of a clock that has jumped is not learned',
    file: 'grid/src/unit/clock-watch.ts',
    find: 'if (stamp.agrees) this.time.learn(stamp.time)',
    replace: 'this.time.learn(stamp.time)',
    tests: ['grid/src/unit/clocks.test.ts'],
  },
  {
    name: 'the time of a handler is not that of its machine',
    file: 'grid/src/unit/command-runner.ts',
    find: 'now: Math.max(this.#time.now(), this.#state.time),',
    replace: 'now: Math.max(this.#clock.now(), this.#state.time),',
    tests: ['grid/src/unit/clocks.test.ts'],
  },
  {
    name: '2: an operation derives its version from the one it meets',
    file: 'grid/src/space/evaluation.ts',
    find: 'const versionOver = (previous: number) => derivedVersion(id, first + i, previous)',
    replace: 'const versionOver = (_previous: number) => derivedVersion(id, first + i, 0)',
    tests: ['grid/src/space'],
  },
  {
    name: '2: two operations of one transaction leave different versions',
    file: 'grid/src/space/evaluation.ts',
    find: 'const versionOver = (previous: number) => derivedVersion(id, first + i, previous)',
    replace: 'const versionOver = (previous: number) => derivedVersion(id, 0, previous)',
    tests: ['grid/src/space'],
  },
  {
    name: '2: a prediction that was looked at is validated',
    file: 'grid/src/space/evaluation.ts',
    find: 'if (step.expected !== undefined && step.expected !== foreseen(writes, from)) return collided',
    replace: '',
    tests: ['grid/src/space'],
  },
  {
    name: '3: a replica melds each position after the one before it',
    file: 'grid/src/space/meld.ts',
    find: 'if (position !== state.position + 1)',
    replace: 'if (false)',
  },
  {
    name: '3: a frame names the frame of its origin before it',
    file: 'grid/src/space/meld.ts',
    find: 'if (!origin || frame.previous !== origin.lastFrame || position > frame.deadline) return false',
    replace: 'if (!origin || position > frame.deadline) return false',
  },
  {
    name: '3: a frame past its deadline is ignored',
    file: 'grid/src/space/meld.ts',
    find: 'if (!origin || frame.previous !== origin.lastFrame || position > frame.deadline) return false',
    replace: 'if (!origin || frame.previous !== origin.lastFrame) return false',
  },
  {
    name: '3: a frame is given up when its deadline has passed, not before',
    file: 'grid/src/unit/frame-chain.ts',
    find: 'f.frame.deadline < this.#state.position)',
    replace: 'f.frame.deadline < this.#state.position + 4)',
  },
  {
    name: '3: an append without an answer may have been stored',
    file: 'grid/src/unit/frame-chain.ts',
    find: "  isGridError(error, 'log_full') || isGridError(error, 'record_too_large')",
    replace: '  isGridError(error)',
    tests: ['grid/src/unit/unreliable-log.test.ts', 'grid/src/unit/every-fault.test.ts'],
  },
  {
    name: '4: what a transaction read is validated',
    file: 'grid/src/space/evaluation.ts',
    // It is the body of a loop without braces: something must stand in its place, or the next statement is drawn into the loop.
    find: 'if ((view.find(read.cache, read.key)?.version ?? absentVersion) !== read.version) return false',
    replace: 'continue',
  },
  {
    name: '4: the ranges a transaction read are validated',
    file: 'grid/src/space/evaluation.ts',
    find: 'if (digestPairs(collect(view, read.cache, read.index, read.range)) !== read.digest) return false',
    replace: 'continue',
  },
  {
    name: '5: a command is acknowledged when the log has decided it',
    file: 'grid/src/unit/command-runner.ts',
    find: "if (execution.acknowledge === 'accepted') this.#accept(attempt)",
    replace: 'this.#accept(attempt)',
  },
  {
    name: '5: a refusal is told when what it rests on is committed',
    file: 'grid/src/unit/command-runner.ts',
    find: 'if (!valid) this.#again.push(execution)',
    replace: 'if (false) this.#again.push(execution)',
  },
  {
    name: '5: `persisted` is told when the store is there',
    file: 'grid/src/unit/persistence-watch.ts',
    find: 'if (this.#position >= position) return\n',
    replace: 'if (this.#position >= 0) return\n',
  },
  {
    name: 'whoever asks for the latest state waits for it',
    file: 'grid/src/unit/processing-unit.ts',
    find: "if (latest) await this.#bounded(incarnation.runner.barrier(), 'the newest position')",
    replace: '',
  },
  {
    name: 'queries never see pending state',
    file: 'grid/src/unit/command-runner.ts',
    find: '    this.#pending.add(attempt)\n',
    replace:
      "    this.#pending.add(attempt)\n    const seen = this.#pending.foresee(attempt)\n    if (seen.outcome === 'applied') for (const w of seen.writes) this.#state.write(w.cache, w.key, w.value, w.version, this.#state.position)\n",
  },
  {
    name: 'an idempotency key takes effect once',
    file: 'grid/src/unit/command-runner.ts',
    find: 'if (key !== undefined) recorder.read(idempotencyCacheNumber, key, absentVersion)',
    replace: '',
  },
  {
    name: 'an idempotency key gives the first answer',
    file: 'grid/src/unit/command-runner.ts',
    find: '    this.#answer(execution, remembered.data, entry.position, entry.version, true)',
    replace: '    this.#answer(execution, {}, entry.position, entry.version, true)',
  },
  {
    name: '6: changes and checkpoint commit in one transaction',
    file: 'grid/src/adapters/mongodb/mongo-space-writer.ts',
    find: '...{ session, includeResultMetadata: true,',
    replace: '...{ includeResultMetadata: true,',
    tests: ['grid/src/adapters/mongodb/mongo-store.mongodb.test.ts'],
  },
  {
    name: '6: MongoDB is moved from the checkpoint it is at, and from no other',
    file: 'grid/src/adapters/mongodb/mongo-space-writer.ts',
    find: '{ _id: this.#space, position: from },',
    replace: '{ _id: this.#space },',
    tests: ['grid/src/adapters/mongodb/mongo-store.mongodb.test.ts'],
  },
  {
    name: '6: the store is moved from the checkpoint it is at, and from no other',
    file: 'data-writer/writer-incarnation.ts',
    find: 'await store.apply(this.#space, from, next, changes)',
    replace:
      'await store.apply(this.#space, (await store.checkpoint(this.#space))?.position ?? 0, next, changes)',
  },
  {
    name: '6: one window follows the other without a gap',
    file: 'grid/src/component/window-batch.ts',
    find: 'if (!isPast && next.from <= reached) {',
    replace: 'if (!isPast) {',
  },
  {
    name: '6: a window holds nothing that was published before it',
    file: 'data-pump/window-collector.ts',
    find: 'if (change.position <= this.#from) return',
    replace: '',
    tests: ['data-pump'],
  },
  {
    name: '6: of several pumps one appends at any place',
    file: 'data-pump/window-publisher.ts',
    find: 'await this.#changes.append(record, { expectedLast: after })',
    replace: 'await this.#changes.append(record)',
  },
  {
    name: '7: the log is trimmed below the checkpoint only',
    file: 'data-writer/trimmer.ts',
    find: 'await this.#log.trim(due.position)',
    replace: 'await this.#log.trim((await this.#log.bounds()).last)',
  },
  {
    name: '7: a full log refuses, and drops nothing',
    file: 'grid/src/adapters/nats/jetstream-stream.ts',
    find: 'discard: DiscardPolicy.New,',
    replace: 'discard: DiscardPolicy.Old,',
    tests: ['grid/src/adapters/nats/jetstream-log.nats.test.ts'],
  },
  {
    name: '8: what a scan found is not overwritten by what is older',
    file: 'grid/src/space/cache-state.ts',
    find: '} else if (entry.position <= position) {',
    replace: '} else {',
    tests: ['grid/src/space'],
  },
  {
    name: '8: a snapshot passes on what changes while it is read',
    file: 'grid/src/replica/snapshot-source.ts',
    find: '        this.#changes.push({',
    replace: '        if (this.#failure) this.#changes.push({',
    tests: ['grid/src/replica/snapshot-source.test.ts'],
  },
  {
    name: '8: a copy that the log does not continue is not served',
    file: 'grid/src/replica/rehydration.ts',
    find: 'if (state.position + 1 < first)',
    replace: 'if (false)',
    tests: ['grid/src/replica/rehydration.test.ts'],
  },
  {
    name: '8: a copy that is ahead of the log is not served',
    file: 'grid/src/replica/rehydration.ts',
    find: 'if (state.position > last)',
    replace: 'if (false)',
    tests: ['grid/src/replica/rehydration.test.ts'],
  },
  {
    name: '8: a copy of a history that the log has lost is not served',
    file: 'grid/src/replica/rehydration.ts',
    find: 'if (record && isYounger(record, state))',
    replace: 'if (false)',
    tests: ['grid/src/replica/rehydration.test.ts'],
  },
  {
    name: '6: a feed of windows notices what was left out',
    file: 'grid/src/component/window-feed.ts',
    find: 'if (position !== this.#last + 1) {',
    replace: 'if (false) {',
    tests: ['grid/src/component/window-feed.test.ts'],
  },
  {
    name: '8: a copy whose digest is not the one that came with it is not served',
    file: 'grid/src/replica/rehydration.ts',
    find: 'if (digest === chunk.end.digest || (await confirms?.(state.position, digest))) return state',
    replace: 'return state',
  },
  {
    name: '8: a unit that lags too far is not ready',
    file: 'grid/src/unit/incarnation.ts',
    find: 'if (this.lag > this.#options.lagPositionsMax)',
    replace: 'if (false)',
    tests: ['grid/src/unit/lagging-unit.test.ts'],
  },
  {
    name: '8: what belongs to another log is not given away',
    file: 'data-reader/snapshot-choice.ts',
    find: 'if (logIdentity !== identity)',
    replace: 'if (false)',
    tests: ['simulator/scenarios/other-log.test.ts'],
  },
  {
    name: '8: a tail follows the log it began with, and no other',
    file: 'grid/src/adapters/nats/jetstream-tail.ts',
    find: 'if (identity !== this.#options.identity) {',
    replace: 'if (false) {',
    tests: ['grid/src/adapters/nats/jetstream-tail.nats.test.ts'],
  },
  {
    name: '8: a tail gives each position once, in order',
    file: 'grid/src/adapters/nats/jetstream-consumer.ts',
    find: 'if (position > this.#next) {',
    replace: 'if (false) {',
    tests: ['grid/src/adapters/nats/jetstream-consumer.test.ts'],
  },
  {
    name: '8: what a replaced connection still brings is not read',
    file: 'grid/src/adapters/nats/mended-transport.ts',
    find: 'if (replaced.has(this)) return',
    replace: '',
    tests: ['grid/src/adapters/nats/mended-transport'],
  },
  {
    name: '9: a replica that differs leaves service',
    file: 'grid/src/unit/processing-unit.ts',
    find: 'diverged: (error) => this.#incarnation?.end(error),',
    replace: 'diverged: () => undefined,',
    tests: ['grid/src/audit', 'grid/src/unit'],
  },
  {
    name: '10: commands that wait are bounded',
    file: 'grid/src/unit/processing-unit.ts',
    find: 'if (incarnation.runner.pendingCount >= this.#options.pendingMax)',
    replace: 'if (false)',
    tests: ['grid/src/unit'],
  },
  {
    name: '10: transactions of a frame are bounded',
    file: 'grid/src/unit/frame-item.ts',
    find: 'while (count < max && count < open.length',
    replace: 'while (count < open.length',
  },
  {
    name: '10: bytes of a frame are bounded',
    file: 'grid/src/unit/frame-chain.ts',
    find: 'if (bytes instanceof Uint8Array && bytes.byteLength <= this.#frameBytesMax) {',
    replace: 'if (bytes instanceof Uint8Array) {',
  },
  {
    name: '10: frames in flight are bounded',
    file: 'grid/src/unit/frame-chain.ts',
    find: '      this.#open.length > 0 &&\n      this.#inFlight.length < this.#options.framesInFlightMax\n',
    replace: '      this.#open.length > 0\n',
  },
  {
    name: '10: attempts of a command are bounded',
    file: 'grid/src/unit/command-runner.ts',
    find: 'if (++execution.attempts > this.#options.attemptsMax) {',
    replace: 'if (++execution.attempts < 0) {',
  },
  {
    name: '10: a wait for MongoDB comes to an end',
    file: 'grid/src/adapters/mongodb/mongo-connection.ts',
    find: "socket.once('close', () => socket.emit('drain'))",
    replace: '',
    tests: ['grid/src/adapters/mongodb/mongo-connection'],
  },
]
