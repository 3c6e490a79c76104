/**
 * Which IATA carrier flies under an ICAO code, for servers that give ICAO idents alone. Public facts;
 * a carrier that is missing here is still found by the ident it was bound with.
 */

/** IATA code, then every ICAO code it has flown under: mergers and renames leave several. */
const CARRIERS = `
9E FLG EDV|AA AAL|AS ASA|B6 JBU|C5 UCA|CP CPZ|DL DAL|EV ASQ|F9 FFT|FL TRS|G4 AAY|G7 GJS|HA HAL|MQ EGF ENY
MX MXY|NK NKS|OH JIA|OO SKW|PT PDT|QX QXE|RP CHQ|S5 TCF|SY SCX|UA UAL|US AWE USA|VX VRD|WN SWA|XE BTA|YV ASH
YX RPA|ZW AWI|AC ACA|QK JZA|TS TSC|WS WJA|PD POE|AM AMX|Y4 VOI|AV AVA|CM CMP|LA LAN|JJ TAM|G3 GLO|AD AZU
AR ARG|4O AIJ|AF AFR|AY FIN|AZ AZA ITY|BA BAW|EI EIN|FI ICE|FR RYR|IB IBE|KL KLM|KM AMC|LH DLH|LO LOT|LX SWR
LY ELY|OK CSA|OS AUA|PC PGT|SK SAS|SN BEL|SU AFL|TK THY|TP TAP|U2 EZY|UX AEA|VS VIR|VY VLG|W6 WZZ|A3 AEE
DY NAX NOZ|EW EWG|HV TRA|LS EXS|BT BTI|JU ASL|RO ROT|PS AUI|AT RAM|ET ETH|KQ KQA|MS MSR|SA SAA|WB RWD
EK UAE|EY ETD|FZ FDB|GF GFA|KU KAC|ME MEA|QR QTR|RJ RJA|SV SVA|WY OMA|6E IGO|AI AIC|UK VTI|PK PIA|UL ALK
BR EVA|CA CCA|CI CAL|CX CPA|CZ CSN|GA GIA|HU CHH|HX CRK|JL JAL|KA HDA|KE KAL|MF CXA|MH MAS|MU CES|NH ANA
OZ AAR|PR PAL|SQ SIA|TG THA|TR TGW|VN HVN|AK AXM|5J CEB|JQ JST|NZ ANZ|QF QFA|VA VOZ|FJ FJI|TN THT
`

const IATA_OF = new Map(
  CARRIERS.trim()
    .split(/[|\n]/)
    .flatMap((entry) => {
      const [iata = '', ...icaos] = entry.split(' ')
      return icaos.map((icao) => [icao, iata] as const)
    }),
)

/** The IATA code of an ICAO carrier code, null when it is not known. */
export function carrierOfIcao(icao: string): string | null {
  return IATA_OF.get(icao) ?? null
}
