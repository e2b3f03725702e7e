// Points are {lat, lng} in degrees; distances are metres.

const radius = 6_371_007.18; // H3's sphere
const rad = degrees => degrees * Math.PI / 180;
export const metersPerDegree = rad(1) * radius;

// centre is where new members start, and the centre of the simulated city.
export const centre = {lat: 37.7749, lng: -122.4194};

export function distance(a, b) {
  const s = Math.sin(rad(b.lat - a.lat) / 2) ** 2 +
    Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(rad(b.lng - a.lng) / 2) ** 2;
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(s)));
}

// moved returns the point so many metres to the east and north. The protocol allows
// latitudes from -85 to 85.
export function moved(p, east, north) {
  const lat = Math.max(-85, Math.min(85, p.lat + north / metersPerDegree));
  const lng = p.lng + east / (metersPerDegree * Math.cos(rad(p.lat)));
  return {lat: rounded(lat), lng: rounded((lng + 540) % 360 - 180)};
}

// A millionth of a degree is 11 cm.
const rounded = degrees => Math.round(degrees * 1e6) / 1e6;

// startFor returns the start of a member, derived from its name: 25 to 46 m from the
// centre, so that two members are at most 92 m apart.
export function startFor(name) {
  let hash = 2166136261; // FNV-1a
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  hash = Math.imul(hash ^ hash >>> 15, 2246822519) >>> 0; // FNV-1a of short names differs little
  const angle = hash % 3600 / 1800 * Math.PI, distance = 25 + hash / 3600 % 21;
  return moved(centre, distance * Math.cos(angle), distance * Math.sin(angle));
}

// formatDistance formats metres for people.
export function formatDistance(meters) {
  if (meters < 1000) return `${Math.round(meters)} m`;
  return `${(meters / 1000).toFixed(meters < 10_000 ? 1 : 0).replace(/\.0$/, '')} km`;
}
