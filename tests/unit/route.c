// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <stdlib.h>
#include "route.h"
#include "unit/t.h"

static const struct {
	const char *url, *route;
} cases[] = {
	/* Words stay. */
	{"/", "/"},
	{"/users", "/users"},
	{"/users/", "/users/"},
	{"//a//b", "//a//b"},
	{"/api/v1/items", "/api/v1/items"},
	{"/api/1.0/items", "/api/1.0/items"},
	{"/api/12.10/items", "/api/12.10/items"},
	{"/api/123.1/items", "/api/{id}/items"},
	{"/api/v2.1/x", "/api/v2.1/x"},
	{"/login/2fa", "/login/2fa"},
	{"/oauth2/token", "/oauth2/token"},
	{"/i18n/utf-8/mp3/h264/s3", "/i18n/utf-8/mp3/h264/s3"},
	{"/facade/deadbeef/decade", "/facade/deadbeef/decade"},
	{"/@angular/core", "/@angular/core"},
	{"/react@18.2.0/umd", "/react@18.2.0/umd"},
	{"/jquery-3.6.0.slim.min.js", "/jquery-3.6.0.slim.min.js"},
	{"/how-to-install-debian-12-on-a-laptop", "/how-to-install-debian-12-on-a-laptop"},
	{"/averyveryverylongwordwithoutanydigits", "/averyveryverylongwordwithoutanydigits"},
	{"/bootstrap4bundle.min.js", "/bootstrap4bundle.min.js"},
	{"/caf\xc3\xa9/%C3%A9t%C3%A9", "/caf\xc3\xa9/%C3%A9t%C3%A9"},
	{"/a%20b", "/a%20b"},
	{"/100%/x%2", "/100%/x%2"},
	{"/{id}", "/{id}"},
	/* Numbers, dates, addresses */
	{"/users/17", "/users/{id}"},
	{"/users/17/posts/3", "/users/{id}/posts/{id}"},
	{"/users/17/", "/users/{id}/"},
	{"/0", "/{id}"},
	{"/%31%32", "/{id}"},
	{"/-5", "/{id}"},
	{"/2026-01-02", "/{id}"},
	{"/2026/01/02", "/{id}/{id}/{id}"},
	{"/2026-01-02T03:04:05Z", "/{id}"},
	{"/2026-01-02T03%3A04%3A05.123+01:00", "/{id}"},
	{"/52.5200,13.4050", "/{id}"},
	{"/1,2,3", "/{id}"},
	{"/10.0.0.1", "/{id}"},
	{"/4.17.21", "/{id}"},
	/* UUIDs, hex */
	{"/o/123e4567-e89b-12d3-a456-426614174000", "/o/{id}"},
	{"/o/123E4567-E89B-12D3-A456-426614174000/x", "/o/{id}/x"},
	{"/o/user-123e4567-e89b-12d3-a456-426614174000", "/o/user-{id}"},
	{"/o/123e4567-e89b-12d3-a456-426614174000-x", "/o/{id}-x"},
	{"/c/3f2a91bc", "/c/{id}"},
	{"/c/507f1f77bcf86cd799439011", "/c/{id}"},
	{"/c/0x1f77bcf8", "/c/{id}"},
	{"/c/3f2a91b", "/c/3f2a91b"},
	/* Tokens */
	{"/t/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/t/{id}"},
	{"/t/V1StGXR8_Z5jdHi6B-myT", "/t/{id}"},
	{"/t/dGhpcyBpcyBhIHRlc3QgMTIz%3D%3D", "/t/{id}"},
	{"/t/dGhpcyBpcyBhIHRlc3QgMTIz==", "/t/{id}"},
	{"/t/cus_NffrFeUfNV2HibAbCdEf1", "/t/{id}"},
	{"/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0xyz12.dozjgNryP4J3jVmNHl0w5N", "/t/{id}"},
	{"/t/dQw4w9WgXcQ", "/t/dQw4w9WgXcQ"},
	/* Mail */
	{"/u/jane.doe@example.com", "/u/{id}"},
	{"/u/jane%40example.co.uk/x", "/u/{id}/x"},
	{"/u/jane@localhost", "/u/jane@localhost"},
	{"/u/jane@", "/u/jane@"},
	/* Parts of names */
	{"/img/17.png", "/img/{id}.png"},
	{"/img/17.7z", "/img/{id}.7z"},
	{"/3f2a91bc.js", "/{id}.js"},
	{"/app.3f2a91bc.js", "/app.{id}.js"},
	{"/app.3f2a91bc.chunk.css", "/app.{id}.chunk.css"},
	{"/app-3f2a91bc.js", "/app-{id}.js"},
	{"/123e4567-e89b-12d3-a456-426614174000.pdf", "/{id}.pdf"},
	{"/V1StGXR8_Z5jdHi6B-myT.js", "/{id}.js"},
	{"/17.3f2a91bc", "/17.{id}"},
	{"/order-20391", "/order-{id}"},
	{"/order_20391_item_7", "/order_{id}_item_7"},
	{"/backup-2026-01-02.tar.gz", "/backup-{id}.tar.gz"},
	{"/page-2", "/page-2"},
	{"/a;id=17;b=x", "/a;id={id};b=x"},
	{"/17;v=a", "/{id};v=a"},
	{"/a;jsessionid=0A1B2C3D4E5F60718293", "/a;jsessionid={id}"},
	/* What is not the path */
	{"/users/17?x=1", "/users/{id}"},
	{"/users?next=/17", "/users"},
	{"/users#17", "/users"},
	{"?x", "/"},
	{"", ""},
	{"http://h:80/users/17?x", "/users/{id}"},
	{"HTTPS://u:p@h/users", "/users"},
	{"http://h", "/"},
	{"http://h?x=/1", "/"},
	{"http://127.0.0.1/1", "/{id}"},
	{"/x/http://h/1", "/x/http://h/{id}"},
	{"*", "*"},
	{"example.com:443", "example.com:443"},
	{"://x/1", "://x/{id}"},
};

static void test_cases(void)
{
	char got[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = route_of(cases[i].url, strlen(cases[i].url), got, sizeof(got) - 1);

		got[n] = '\0';
		T_STR(got, cases[i].route);
	}
}

/* Each length of the room gives the beginning of what all of it does. */
static void test_room(void)
{
	char whole[256], got[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t n = strlen(cases[i].url), all = route_of(cases[i].url, n, whole, 256);

		for (size_t size = 0; size <= all; size++) {
			char *tight = malloc(size ?: 1);
			size_t len = route_of(cases[i].url, n, tight, size);

			T_EQ(len, size);
			T_OK(!memcmp(tight, whole, len));
			free(tight);
		}
	}
	T_EQ(route_of("/a\0b/1", 6, got, sizeof(got)), 9);
	T_OK(!memcmp(got, "/a\0b/{id}", 9));
}

/* A segment that nobody gave a name; one that is just a name. */
static void test_long(void)
{
	static char url[4000], got[4000];

	memset(url, 'a', sizeof(url));
	url[0] = '/';
	T_EQ(route_of(url, sizeof(url), got, sizeof(got)), sizeof(url));
	url[1] = '1';
	T_EQ(route_of(url, sizeof(url), got, sizeof(got)), 5);
	T_OK(!memcmp(got, "/{id}", 5));
	url[513] = '/';
	T_EQ(route_of(url, 513, got, sizeof(got)), 5);
	memset(url + 1, '.', 512);
	url[1] = '1';
	url[2] = 'x';
	T_EQ(route_of(url, 513, got, sizeof(got)), 513);
	/* Short as it comes, with its ids too long. */
	for (size_t i = 0; i < 510; i++)
		url[1 + i] = "=1;"[i % 3];
	T_EQ(route_of(url, 511, got, sizeof(got)), 5);
	T_EQ(route_of(url, 1 + 255, got, sizeof(got)), 1 + 2 * 255);
	for (size_t i = 0; i < sizeof(url); i++)
		url[i] = "/1"[i % 2];
	T_EQ(route_of(url, sizeof(url), got, sizeof(got)), sizeof(got));
}

int main(void)
{
	test_cases();
	test_room();
	test_long();
	return t_done();
}
