/** Airline and airport designators of the data: IATA, as the packs have them, to ICAO. */

const CARRIER_ICAO: Readonly<Record<string, string>> = {
  '9E': 'EDV',
  AA: 'AAL',
  AS: 'ASA',
  B6: 'JBU',
  DL: 'DAL',
  EV: 'ASQ',
  F9: 'FFT',
  FL: 'TRS',
  HA: 'HAL',
  MQ: 'ENY',
  OO: 'SKW',
  UA: 'UAL',
  US: 'AWE',
  VX: 'VRD',
  WN: 'SWA',
  YV: 'ASH',
}

/** United States airports whose ICAO code is not K and the IATA code. */
const AIRPORT_ICAO: Readonly<Record<string, string>> = {
  ANC: 'PANC',
  BQN: 'TJBQ',
  HNL: 'PHNL',
  PSE: 'TJPS',
  SJU: 'TJSJ',
  STT: 'TIST',
}

/** `JBU` for `B6`; null for a carrier outside the data. */
export function carrierIcao(iata: string): string | null {
  return CARRIER_ICAO[iata] ?? null
}

/** `KJFK` for `JFK`. */
export function airportIcao(iata: string): string {
  return AIRPORT_ICAO[iata] ?? `K${iata}`
}

/** `JFK` for `KJFK` and for `JFK`. */
export function airportIata(code: string): string {
  if (code.length !== 4) return code
  const known = Object.entries(AIRPORT_ICAO).find(([, icao]) => icao === code)
  return known?.[0] ?? code.slice(1)
}
