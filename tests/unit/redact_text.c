// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "redact_int.h"
#include "unit/t.h"

static const struct redact none;

static const char *const urls[][2] = {
	{"", ""},
	{"/", "/"},
	{"*", "*"},
	{"/a/b?c=d&e=f#g", "/a/b?c=d&e=f#g"},
	/* userinfo */
	{"http://user:pa@h:80/x@y", "http://*******@h:80/x@y"},
	{"http://user@h", "http://****@h"},
	{"http://u:p@q@h/", "http://*****@h/"},
	{"http://h/@x", "http://h/@x"},
	{"http://h?a@b", "http://h?a@b"},
	{"http://@h/", "http://@h/"},
	{"http://us%40er:p@h/", "http://*********@h/"},
	{"http://u:p%2Fw@h/", "http://*******@h/"},
	{"http://u:p&w@h/", "http://*****@h/"},
	{"http://u:p\\w@h/", "http://*****@h/"},
	{"//u:p@h/", "//***@h/"},
	{"/a//b@c", "/a//b@c"},
	{"/go?to=//u:p@h", "/go?to=//***@h"},
	{"u:p@h:443", "***@h:443"}, /* CONNECT */
	{"h:443", "h:443"},
	{"/x/http://u:p@h/", "/x/http://***@h/"},
	/* parameters */
	{"/?token=a=b;c,d&e=f", "/?token=*******&e=f"},
	{"/?token=", "/?token="},
	{"/?token&a=b", "/?token&a=b"},
	{"/?a=1&Sig=xy#key=z", "/?a=1&Sig=********"},
	{"/#access_token=xy&state=s", "/#access_token=**&state=s"},
	{"/?a?key=x", "/?a?key=*"},
	{"/p;jsessionid=ab?q=1&r=2", "/p;jsessionid=******&r=2"},
	{"/?q=token=abc", "/?q=token=abc"},
	{"token=ab", "token=**"},
	{"/?token=a b", "/?token=* *"},
	{"/?key=\xff\x01", "/?key=**"},
	{"/?key=a%26b", "/?key=*****"},
	{"/?key=%", "/?key=*"},
	{"/?key=%&a=%41", "/?key=*&a=%41"},
	{"/?sig=a&sig=b&x=c&sig=d", "/?sig=*&sig=*&x=c&sig=*"},
	/* percent-encoded names */
	{"/?%74oken=a", "/?%74oken=*"},
	{"/?%74%6F%6b%65%6e=a&b=c", "/?%74%6F%6b%65%6e=*&b=c"},
	{"/?to%25256ben=a", "/?to%25256ben=*"},
	{"/?token%3Da&b=c", "/?token%3D*&b=c"},
	{"/?to%ken=a", "/?to%ken=*"},
	{"/?to%6ken=a", "/?to%6ken=*"},
	{"/?to%zken=a", "/?to%zken=a"},
	{"/?tok%00en=a", "/?tok%00en=*"},
	/* a URL in a URL */
	{"/?u=http%3A%2F%2Fa%3Ab%40h%2Fx&c=d", "/?u=http%3A%2F%2F*****%40h%2Fx&c=d"},
	{"/?u=http%3a%2f%2fa:p%252Fw%2540h&c=d@e", "/?u=http%3a%2f%2f*********%2540h&c=d@e"},
	{"/?u=http%3A%2F%2Fh%2F%3Fkey%3Dab%26c%3Dd&e=f",
	 "/?u=http%3A%2F%2Fh%2F%3Fkey%3D**********&e=f"},
	{"/?u=http%3A%2F%2Fa%40", "/?u=http%3A%2F%2F*%40"},
	{"/?u=%2Fx%3Fa%3Db%26sig%3Dab&e=f", "/?u=%2Fx%3Fa%3Db%26sig%3D**&e=f"},
	{"/?u=http%253A%252F%252Fh%253Fpwd%253Dx", "/?u=http%253A%252F%252Fh%253Fpwd%253D*"},
};
static const char *const texts[][2] = {
	{"</x?token=ab>; rel=next", "</x?token=**** ********"},
	{"<http://u:p@h>, <http://v:q@i>", "<http://***@h>, <http://***@i>"},
	{"5; url=https://h/?a=b&key=c", "5; url=https://h/?a=b&key=*"},
	{"me@example.test", "me@example.test"},
	{"x#key=ab", "x#key=**"},
	{"x;key=ab", "x;key=ab"}, /* no path */
	{"a/b c;key=d", "a/b c;key=d"},
	{"no-cache, max-age=0", "no-cache, max-age=0"},
	{"bot (+http://u@h/)", "bot (+http://*@h/)"},
	{"form-data; name=\"key\"", "form-data; name=\"key\""},
	{"sig=ab&x=cd", "sig=**&x=cd"}, /* a query with no '?' */
};

/* In pieces of at most n bytes, each a buffer of its own. */
static void in_pieces(const char *in, char *out, size_t n, bool url)
{
	size_t len = strlen(in);
	struct redact_text t;

	redact_text_start(&t);
	if (url)
		t.authority = AUTHORITY_PLAIN;
	for (size_t i = 0; i < len; i += n) {
		size_t piece = n < len - i ? n : len - i;
		char *copy = malloc(piece);

		memcpy(copy, in + i, piece);
		redact_text_feed(&t, &none, copy, piece, i + piece == len);
		memcpy(out + i, copy, piece);
		free(copy);
	}
	out[len] = '\0';
}

/* Whole it is as told; in pieces nothing of it shows that is masked in the whole. */
static void check(const char *in, const char *want, bool url)
{
	bool less = false, other = false;
	size_t len = strlen(in);
	char out[256];

	in_pieces(in, out, len + 1, url);
	T_STR(out, want);
	for (size_t n = 1; n < len; n++) {
		in_pieces(in, out, n, url);
		for (size_t i = 0; i < len; i++) {
			if (want[i] == '*' && want[i] != in[i])
				less |= out[i] != '*';
			else
				other |= out[i] != '*' && out[i] != in[i];
		}
		if (less || other)
			T_STR(out, want);
	}
	/* Masking what is masked changes nothing. */
	in_pieces(want, out, len + 1, url);
	T_STR(out, want);
	T_OK(!less && !other);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++)
		check(urls[i][0], urls[i][1], true);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check(texts[i][0], texts[i][1], false);
	return t_done();
}
