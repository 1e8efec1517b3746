/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef REDACT_H
#define REDACT_H
/*
 * Secrets masked in place: each byte becomes '*', so that lengths stay; blanks and line ends stay
 * too. Where bytes may be a secret or not and what decides it is not at hand, they are masked.
 *
 * Headers, by their names (in any case; what is not a letter or a digit does not count):
 *   Authorization, Proxy-Authorization, others that end so: all but the scheme's name, where it is
 *                 a known one and not alone
 *   Cookie:       the values; the names stay
 *   Set-Cookie:   the cookie's value, and attributes that are not known; those that are stay
 *   X-Api-Key, X-Auth-Token and others of the names below, and those of redact_add_header(): all
 *   any other, and the start line: as a URL, wherever in it one may be
 * In a URL:
 *   what stands before the '@' of an authority
 *   from a parameter with one of the names below to the next '&', or else to the end; a parameter
 *   is behind '?', '&', '#', a ';' in a path, or at the very beginning
 *   both also where they are percent-encoded, once or more: a URL within a URL
 * Names of secrets, in the same way of writing:
 *   that end in token, secret, password, passwd, pwd, passphrase, apikey, accesskey, accesskeyid,
 *   secretkey, privatekey, signature, credential, credentials, sessionid, jwt, assertion
 *   that are auth, bearer, hmac, idtokenhint, key, otp, pass, passcode, phpsessid, pin,
 *   samlresponse, session, sid, sig, ticket
 * This covers X-Amz-Signature, X-Amz-Credential, X-Amz-Security-Token, AWSAccessKeyId, Signature,
 * sig and X-Goog-Signature, which OpenTelemetry's conventions name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDACT_NAME_MAX 32 /* letters and digits of a name that is added */

/* Names of secrets beside the above. All zero: none. Masking does not change it. */
struct redact {
	char (*headers)[REDACT_NAME_MAX + 1];
	char (*params)[REDACT_NAME_MAX + 1];
	size_t nheaders, nparams;
};

/*
 * One more name. With fail() text: -EINVAL when it has no letter or digit, or more than
 * REDACT_NAME_MAX; -ENOMEM.
 */
int redact_add_header(struct redact *r, const char *name);
int redact_add_param(struct redact *r, const char *name);
/* Forgets the names that were added. */
void redact_free(struct redact *r);

/* Masks a header's value. It may have folds (line ends in it). Returns how many bytes it masked. */
size_t redact_header(const struct redact *r, const char *name, size_t name_len, char *value,
		     size_t len);
/* Masks a request's target or any URL. Returns how many bytes it masked. */
size_t redact_url(const struct redact *r, char *url, size_t len);

/*
 * Masks the arguments of a command line, with a NUL behind each (the last may lack it): headers
 * (curl -H "Authorization: ..."), what stands behind the colon where a user is given (-u, --user),
 * URLs, and values of options with the names above (--password=x, --token x). An option that only
 * its program knows to be one is not found. Returns how many bytes it masked.
 */
size_t redact_args(const struct redact *r, char *args, size_t len);

/* --- a head as on the wire, in any pieces */

/* The letters and digits of a name, small ones; of a long one the last. */
struct redact_name {
	char tail[REDACT_NAME_MAX];
	uint8_t kept;
	bool more; /* than are kept */
};

/* Text that may be a URL or have some in it. */
struct redact_text {
	struct redact_name name; /* of a parameter */
	uint8_t percent; /* hex digits that came after a '%', and one; 0: none came */
	uint8_t hex; /* the first of them */
	unsigned char before[2]; /* the last two characters, decoded */
	uint8_t authority; /* this may be one from the next piece's first byte on */
	bool naming, secret;
	bool path; /* ';' parts parameters */
};

/* A header's value. */
struct redact_value {
	uint8_t kind, state;
	bool quoted; /* within quotes of a cookie's value */
	bool fresh; /* nothing of that value, or of an attribute's name, came yet */
	bool line; /* behind a line end: this may be a header to whom it is not a fold */
	struct redact_name name; /* that it has then */
	struct redact_text text;
};

/* A head on its way. Nothing to free. */
struct redact_head {
	const struct redact *r;
	uint8_t state;
	bool ended; /* the empty line came */
	struct redact_name name;
	struct redact_value value;
	uint64_t masked; /* bytes */
};

/*
 * Begins a head, or with start_line false a chunked body's trailer. r must stay. Empty lines before
 * a start line belong to the head.
 */
void redact_head_start(struct redact_head *h, const struct redact *r, bool start_line);
/*
 * Masks the next piece. Returns how many bytes belong to the head: len, or less when it ends in
 * this piece; bytes behind it are not touched. What two pieces share is masked as it is in one,
 * or more: a name that a piece cuts, and what may be userinfo, for the piece is not seen again.
 */
size_t redact_head_feed(struct redact_head *h, char *buf, size_t len);
#endif
