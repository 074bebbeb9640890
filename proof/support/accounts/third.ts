import { defineCache, defineSpace, Type } from 'spacegrid'

/* A version that nobody should deploy: it cannot read what is stored. */

const accounts = defineCache('accounts', {
  schema: Type.Object({ id: Type.String(), balance: Type.String(), branch: Type.String() }),
  key: 'id',
})

export default defineSpace('accounts', { caches: [accounts] })
