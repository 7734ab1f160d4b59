/**
 * @param {number} minor price in minor units
 * @param {string} currency ISO 4217 code
 * @param {string} [locale] BCP 47; the reader's own when left out
 * @returns {string} e.g. `€1.99`
 */
export function formatMoney(minor: number, currency: string, locale?: string): string;
