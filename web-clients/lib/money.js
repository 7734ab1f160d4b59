/**
 * Prices for people.
 *
 * Prices travel in minor units as ISO 4217 counts them. `Intl` writes them, but its own number of decimals is that of
 * daily use (none for HUF, IDR or RSD, where ISO 4217 has two), so the decimals come from the small table here.
 */

/** Decimals of the currencies in ISO 4217 that do not have two. */
const DECIMALS = new Map([
  ..."BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map(entry(0)),
  ..."BHD IQD JOD KWD LYD OMR TND".split(" ").map(entry(3)),
  ..."CLF UYW".split(" ").map(entry(4)),
]);

/** @type {Map<string, Intl.NumberFormat>} one formatter a currency and locale: making one costs far more than using it */
const formats = new Map();

/**
 * @param {number} minor price in minor units
 * @param {string} currency ISO 4217 code
 * @param {string} [locale] BCP 47; the reader's own when left out
 * @returns {string} e.g. `€1.99`
 */
export function formatMoney(minor, currency, locale) {
  const digits = DECIMALS.get(currency) ?? 2;
  const key = `${currency} ${locale ?? ""}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits,
    });
    formats.set(key, format);
  }
  return format.format(minor / 10 ** digits);
}

/**
 * @param {number} decimals
 * @returns {(code: string) => [string, number]}
 */
function entry(decimals) {
  return (code) => [code, decimals];
}
