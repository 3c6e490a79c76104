/** The page that invitations and resets lead to: chooses a password by the code of the mail. */
import type { Express } from 'express'

import { addRoute } from '../routes.ts'

const PATH = '/api/auth/password-form'

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="referrer" content="no-referrer">
    <title>Choose a password</title>
  </head>
  <body>
    <h1>Choose a password</h1>
    <p>12 characters or more; some words that only you would put together.</p>
    <form id="form">
      <label>Password <input id="password" type="password" autocomplete="new-password"></label>
      <button>Save</button>
    </form>
    <p id="told" role="status"></p>
    <script src="${PATH}/script.js"></script>
  </body>
</html>
`

// The code leaves the address line at once: it must not stay in the browser's history.
const SCRIPT = `const token = new URLSearchParams(location.search).get('token') ?? ''
history.replaceState(null, '', location.pathname)
const told = document.getElementById('told')
document.getElementById('form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const newPassword = document.getElementById('password').value
  const response = await fetch('/api/auth/reset-password', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, newPassword }),
  })
  const answer = await response.json()
  told.textContent = response.ok ? 'Saved: you can sign in now.' : answer.detail
})
`

const open = { permission: 'open', answers: { 200: null } } as const

/** `GET /api/auth/password-form` and its script. */
export function addPasswordForm(app: Express): void {
  addRoute(
    app,
    PATH,
    {
      get: (_request, response) => {
        response.set('cache-control', 'no-store').type('html').send(PAGE)
      },
    },
    { get: { ...open, summary: 'A page to choose a password by the code of a mail' } },
  )
  addRoute(
    app,
    `${PATH}/script.js`,
    {
      get: (_request, response) => {
        response.type('js').send(SCRIPT)
      },
    },
    { get: { ...open, summary: "The page's script" } },
  )
}
