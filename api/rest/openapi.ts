/** The OpenAPI document and a page to browse and try it, from this process alone. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import express, { type Express } from 'express'

import { openApiDocument } from '../openapi.ts'
import { addRoute, routesOf } from '../routes.ts'
import { objectShape } from '../shapes.ts'

const DOCUMENT_PATH = '/api/openapi.json'
const PAGE_PATH = '/api/docs'

/** The package's own files; its index page would fetch a document from elsewhere. */
const ASSETS = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))
const SHOWN_ASSETS = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png'])

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Groundstop API</title>
    <link rel="icon" href="${PAGE_PATH}/assets/favicon-32x32.png" />
    <link rel="stylesheet" href="${PAGE_PATH}/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="${PAGE_PATH}/assets/swagger-ui-bundle.js"></script>
    <script src="${PAGE_PATH}/start.js"></script>
  </body>
</html>
`

// Without a validator: it would send the document to another host.
const START = `SwaggerUIBundle({
  url: '${DOCUMENT_PATH}',
  dom_id: '#page',
  deepLinking: true,
  validatorUrl: null,
})
`

const open = { permission: 'open' } as const

/**
 * `GET /api/openapi.json` and `GET /api/docs`. Both are open: they tell what the product can do, and
 * nothing of an installation.
 */
export function addOpenApiRoutes(app: Express): void {
  addRoute(
    app,
    DOCUMENT_PATH,
    {
      get: (_request, response) => {
        response.json(openApiDocument(routesOf(app)))
      },
    },
    { get: { ...open, summary: 'This document', answers: { 200: objectShape } } },
  )
  addRoute(
    app,
    PAGE_PATH,
    {
      get: (_request, response) => {
        response.type('html').send(PAGE)
      },
    },
    { get: { ...open, summary: 'A page to browse this document', answers: { 200: null } } },
  )
  addRoute(
    app,
    `${PAGE_PATH}/start.js`,
    {
      get: (_request, response) => {
        response.type('js').send(START)
      },
    },
    { get: { ...open, summary: "The page's first lines", answers: { 200: null } } },
  )
  const files = express.static(ASSETS, { index: false, redirect: false })
  app.use(`${PAGE_PATH}/assets`, (request, response, next) => {
    if (SHOWN_ASSETS.has(request.path)) files(request, response, next)
    else next()
  })
}
