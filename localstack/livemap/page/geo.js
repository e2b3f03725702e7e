// Points are {lat, lng} in degrees; distances are metres.

const radius = 6_371_007.18; // H3's sphere
const rad = degrees => degrees * Math.PI / 180;
export const metersPerDegree = rad(1) * radius;

// centre is where newcomers start, and the simulated city is.
export const centre = {lat: 37.7749, lng: -122.4194};

export function distance(a, b) {
  const s = Math.sin(rad(b.lat - a.lat) / 2) ** 2 +
    Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(rad(b.lng - a.lng) / 2) ** 2;
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(s)));
}

// moved is a point that lies so far to the east and north. A member may be
// anywhere up to 85° north and south.
export function moved(p, east, north) {
  const lat = Math.max(-85, Math.min(85, p.lat + north / metersPerDegree));
  const lng = p.lng + east / (metersPerDegree * Math.cos(rad(p.lat)));
  return {lat: tidy(lat), lng: tidy((lng + 540) % 360 - 180)};
}

// A millionth of a degree is 11 cm.
const tidy = degrees => Math.round(degrees * 1e6) / 1e6;

// startOf gives each name a spot of its own around the centre: 25 to 46 m off,
// so that no two are further than 92 m apart.
export function startOf(name) {
  let hash = 2166136261; // FNV-1a
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  hash = Math.imul(hash ^ hash >>> 15, 2246822519) >>> 0; // short names differ little
  const angle = hash % 3600 / 1800 * Math.PI, off = 25 + hash / 3600 % 21;
  return moved(centre, off * Math.cos(angle), off * Math.sin(angle));
}

// inWords is a distance as people say it.
export function inWords(meters) {
  if (meters < 1000) return `${Math.round(meters)} m`;
  return `${(meters / 1000).toFixed(meters < 10_000 ? 1 : 0).replace(/\.0$/, '')} km`;
}
