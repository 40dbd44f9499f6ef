// A real Bluesky server on 127.0.0.1 with two accounts, for tests/test_pds.py. Prints one line of
// JSON when it is ready, and ends with its stdin. A second argument is the address of the app that it
// passes readers' questions on to; without one it has none. Its directory of identities is a map in memory.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatDidDoc } from '@did-plc/lib'

const identities = new Map() // DID -> its last operation
const directory = http.createServer(async (request, response) => {
  const [did, what] = decodeURIComponent(request.url).slice(1).split('/')
  let body = ''
  for await (const chunk of request) body += chunk
  if (request.method === 'POST') identities.set(did, JSON.parse(body))
  const last = identities.get(did)
  const data = last && { did, ...last }
  const said = what === 'data' ? data : what === 'log' ? [last] : what ? last : data && formatDidDoc(data)
  response.writeHead(last ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(request.method === 'POST' ? {} : (said ?? { message: 'not registered' })))
})
await new Promise((done) => directory.listen(0, '127.0.0.1', done))

const folder = mkdtempSync(join(tmpdir(), 'pds-'))
mkdirSync(join(folder, 'blobs'))
const key = () => randomBytes(32).toString('hex')
process.env.LOG_ENABLED = 'false' // read when the server is imported
const { PDS } = await import('@atproto/pds')
const port = Number(process.argv[2])
const app = process.argv[3] && { bskyAppViewUrl: process.argv[3], bskyAppViewDid: 'did:web:app.test' }
const pds = await PDS.fromEnv({
  port,
  hostname: 'localhost', // the one name for which it calls itself http
  dataDirectory: folder,
  blobstoreDiskLocation: join(folder, 'blobs'),
  didPlcUrl: `http://localhost:${directory.address().port}`,
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  devMode: true,
  adminPassword: key(),
  jwtSecret: key(),
  dpopSecret: key(),
  plcRotationKeyK256PrivateKeyHex: key(),
  rateLimitsEnabled: false,
  crawlers: [],
  ...app,
})
const listen = pds.app.listen.bind(pds.app)
pds.app.listen = (where) => listen(where, '127.0.0.1') // it would listen on every interface
await pds.start()

async function call(method, body, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const url = `http://127.0.0.1:${port}/xrpc/com.atproto.server.${method}`
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

const accounts = {}
for (const name of ['ann', 'ben']) {
  const [handle, password] = [`${name}.test`, 'main-password']
  const made = await call('createAccount', { handle, password, email: `${name}@mail.test` })
  const app = await call('createAppPassword', { name: 'write-my-posts' }, made.accessJwt)
  accounts[handle] = { did: made.did, app: app.password }
}
console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, accounts }))

process.stdin.resume().on('end', async () => {
  await pds.destroy()
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
