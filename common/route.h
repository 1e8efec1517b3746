/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef REQ_ROUTE_H
#define REQ_ROUTE_H
/*
 * The route that a URL was probably meant for: its path, with what looks like an id folded to
 * "{id}". A guess by the looks of it, so that requests can be counted together:
 *   numbers, dates, addresses     /users/17 -> /users/{id}; but 1.0 is a version, and stays
 *   UUIDs; hex of 8 digits and more, of which one is 0 to 9; 20 and more letters and digits mixed
 *   mail addresses
 *   in a part of a name           /img/17.png -> /img/{id}.png, /app.3f2a91bc.js -> /app.{id}.js,
 *                                 /order-20391 -> /order-{id}
 * Words with a digit or two (v1, 2fa, oauth2) stay. The query is cut, and scheme and authority of a
 * whole URL are. Percent-encoding stays as it is, but "%31" looks like a 1.
 */
#include <stddef.h>

#define ROUTE_ID "{id}"

/*
 * Writes at most size bytes to dst, without a NUL: what does not fit is cut. Returns how many. They
 * may be any that url has: hostile. "/" for an empty path, nothing for an empty url.
 */
size_t route_of(const char *url, size_t n, char *dst, size_t size);
#endif
