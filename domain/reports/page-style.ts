/** How a report's page looks: one sheet inside the page, for light, dark and paper. */

/** The style sheet. */
export const PAGE_STYLE = `
:root{--ink:#1c2530;--soft:#5b6875;--paper:#fff;--line:#d9dfe5;--card:#f4f6f8;--s0:#2463b4;--s1:#d08a1d}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa7b4;--paper:#14191f;--line:#2e3842;--card:#1d242c;--s0:#6aa5ef;--s1:#e5ac4e}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0}h2{font-size:18px;margin:40px 0 12px;border-top:1px solid var(--line);padding-top:20px}
.span,.note,.none,figcaption{color:var(--soft)}.span{margin:2px 0 20px}.note{margin:8px 0}
.cards{display:flex;flex-wrap:wrap;gap:12px}
.card{background:var(--card);border-radius:8px;padding:10px 16px;min-width:150px}
.card span{display:block;color:var(--soft);font-size:13px}.card b{font-size:19px;font-weight:600}
figure{margin:0 0 20px;max-width:760px}figcaption{font-size:13px;margin-bottom:6px}
svg{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:var(--ink)}svg .label{text-anchor:end;fill:var(--soft)}
svg .s0{fill:var(--s0)}svg .s1{fill:var(--s1)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;white-space:nowrap}
th,td{padding:4px 14px 4px 0;text-align:left;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:500}.n{text-align:right;font-variant-numeric:tabular-nums}
@media print{h2{break-after:avoid}figure,tr{break-inside:avoid}}
`
