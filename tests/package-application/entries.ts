// Every entry, so that the types of each are checked with whatever they lead to.

export * as core from 'spacegrid'
export * as client from 'spacegrid/client'
export * as dataPump from 'spacegrid/data-pump'
export * as dataReader from 'spacegrid/data-reader'
export * as dataWriter from 'spacegrid/data-writer'
export * as embedded from 'spacegrid/embedded'
export * as load from 'spacegrid/load'
export * as program from 'spacegrid/program'
export * as settings from 'spacegrid/settings'
export * as testing from 'spacegrid/testing'
