// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "log.h"
#include "target.h"
#include "unit/t.h"

static char dir[64] = "/tmp/target.XXXXXX";

static const char *file(const char *base)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, base);
	return path[turn];
}

static int sh(const char *fmt, ...) PRINTF(1, 2);
static int sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;
	int n;

	n = snprintf(cmd, sizeof(cmd), "cd %s && ", dir);
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof(cmd) - (size_t)n, fmt, ap);
	va_end(ap);
	return system(cmd);
}

static void put(const char *base, const char *text)
{
	FILE *f = fopen(file(base), "w");

	T_OK(f && fputs(text, f) >= 0 && !fclose(f));
}

#define FIND(t, base, ...)                                                                         \
	target_file(t, file(base), base, "", (const char *const[]){__VA_ARGS__},                   \
		    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* The call fails with err, and the sentence has each of the words. */
#define REFUSED(err, base, pattern, ...)                                                           \
	refused(err, base, pattern, (const char *const[]){__VA_ARGS__, NULL})

static void refused(int err, const char *base, const char *pattern, const char *const *words)
{
	struct tfile *t = (void *)1;

	fail_clear();
	T_EQ(FIND(&t, base, pattern), err);
	T_OK(!t);
	for (; *words; words++) {
		T_OK(strstr(fail_text(err), *words));
		if (!strstr(fail_text(err), *words))
			printf("  \"%s\" is not in \"%s\"\n", *words, fail_text(err));
	}
}

static const struct tfunc *named(const struct tfile *t, const char *name)
{
	size_t i;

	for (i = 0; t && i < t->nfuncs; i++)
		if (!strcmp(t->funcs[i].name, name))
			return &t->funcs[i];
	return NULL;
}

/* asm labels make what compilers only make when they feel like it. */
static const char source[] =
	"#define N __attribute__((noinline, noclone, used))\n"
	"N int handle_one(int x) { return x + 1; }\n"
	"N int handle_two(int x) { return x + 2; }\n"
	"N int cloned(int) __asm__(\"cloned.constprop.0\");\n"
	"N int cloned(int x) { return x * 3; }\n"
	"N int both(int x) { return x * 5; }\n"
	"N int both_clone(int) __asm__(\"both.isra.0\");\n"
	"N int both_clone(int x) { return x * 7; }\n"
	"N int cold(int) __asm__(\"handle_one.cold\");\n"
	"N int cold(int x) { return x * 9; }\n"
	"N int strange(int) __asm__(\"handle_one.strange\");\n"
	"N int strange(int x) { return x * 11; }\n"
	"N int _alias(int x) { return x * 13; }\n"
	"int alias(int) __attribute__((alias(\"_alias\")));\n"
	"N int __pick_fast(int x) { return x * 15; }\n"
	"static int (*choose(void))(int) { return __pick_fast; }\n"
	"int pick(int) __attribute__((ifunc(\"choose\")));\n"
	"__asm__(\".globl sizeless\\n.type sizeless, @function\\nsizeless: ret\\n\");\n"
	"__asm__(\".globl elsewhere\\n.type elsewhere, @function\\n.set elsewhere, 0x10\\n\");\n"
	"N static int twin(int x) { return x * 17; }\n"
	"int other(int x);\n"
	"int main(int c, char **v) { return handle_one(c) + handle_two(c) + twin(c) + other(c) == "
	"3; }\n";
static const char source2[] =
	"__attribute__((noinline, noclone, used)) static int twin(int x) { return x * 19; }\n"
	"int other(int x) { return twin(x); }\n";

static bool build(void)
{
	put("a.c", source);
	put("b.c", source2);
	return !sh("${CC:-cc} -O1 -g -Wl,--build-id=0x0123456789abcdef -rdynamic a.c b.c -o prog "
		   "2>cc.log") &&
	       !sh("cp prog stripped && strip stripped && ${CC:-cc} -O1 -no-pie a.c b.c -o bare && "
		   "strip bare");
}

static void exact_and_glob(void)
{
	struct tfile *t;
	struct stat st;

	T_EQ(FIND(&t, "prog", "handle_two", "handle_one", "handle_two"), 0);
	T_EQ(t->nfuncs, 2);
	T_EQ(t->lang, LANG_C);
	T_STR(t->funcs[0].name, "handle_one");
	T_STR(t->funcs[1].name, "handle_two");
	T_OK(t->funcs[0].addr < t->funcs[1].addr);
	T_OK(!t->funcs[0].refused && !t->funcs[0].note && !t->funcs[0].exit_off);
	T_EQ(t->funcs[0].kind, SITE_FIRST);
	T_EQ(stat(file("prog"), &st), 0);
	T_EQ(t->ino, st.st_ino);
	T_STR(t->name, "prog");
	T_STR(t->path, file("prog"));
	target_free(t);

	/* Neither the cold part nor a name that only looks alike; the union has each once. */
	T_EQ(FIND(&t, "prog", "handle_*", "handle_o*"), 0);
	T_EQ(t->nfuncs, 3);
	T_OK(named(t, "handle_one") && named(t, "handle_two") && named(t, "handle_one.strange"));
	target_free(t);
}

/*
 * The bytes at the offset are the function's: PIE or not, the symbol's own address is not a file
 * offset.
 */
static void offsets(void)
{
	unsigned char want[8] = {}, got[8] = {};
	struct tfile *t;
	int fd;

	T_EQ(sh("nm prog | awk '$3 == \"handle_two\" {print $1}' >addr && objcopy -O binary -j "
		".text prog text"
		" && readelf -SW prog | sed -n 's/.* \\.text *PROGBITS *\\([0-9a-f]*\\).*/\\1/p' "
		">base"
		" && dd if=text bs=1 count=8 skip=$((0x$(cat addr) - 0x$(cat base))) of=want "
		"status=none"),
	     0);
	fd = open(file("want"), O_RDONLY);
	T_EQ(read(fd, want, sizeof(want)), sizeof(want));
	close(fd);
	T_EQ(FIND(&t, "prog", "handle_two"), 0);
	T_EQ(t->funcs[0].entry_off + t->funcs[0].va_off, t->funcs[0].addr);
	fd = open(file("prog"), O_RDONLY);
	T_EQ(pread(fd, got, sizeof(got), (off_t)t->funcs[0].entry_off), sizeof(got));
	close(fd);
	T_OK(!memcmp(want, got, sizeof(want)));
	target_free(t);
}

static void clones(void)
{
	struct tfile *t;

	T_EQ(FIND(&t, "prog", "cloned"), 0);
	T_EQ(t->nfuncs, 1);
	T_STR(t->funcs[0].name, "cloned.constprop.0");
	T_STR(t->funcs[0].note, "compiler clone of cloned");
	target_free(t);

	T_EQ(FIND(&t, "prog", "both"), 0);
	T_EQ(t->nfuncs, 1);
	T_STR(t->funcs[0].name, "both");
	T_STR(t->funcs[0].note, "calls of its compiler clone both.isra.0 are not included");
	target_free(t);

	T_EQ(FIND(&t, "prog", "both*"), 0);
	T_EQ(t->nfuncs, 2);
	target_free(t);
	REFUSED(-ENOTSUP, "prog", "handle_one.cold", "not an entry point", "handle_one");
}

static void twins_and_aliases(void)
{
	struct tfile *t;

	T_EQ(FIND(&t, "prog", "twin"), 0);
	T_EQ(t->nfuncs, 2);
	T_STR(t->funcs[0].name, "twin");
	T_STR(t->funcs[1].name, "twin");
	T_OK(t->funcs[0].entry_off != t->funcs[1].entry_off);
	T_OK(strstr(t->funcs[0].note, "one of 2 functions of this name, at 0x"));
	T_OK(strcmp(t->funcs[0].note, t->funcs[1].note));
	target_free(t);

	T_EQ(FIND(&t, "prog", "_alias"), 0);
	T_STR(t->funcs[0].name, "_alias");
	T_OK(!t->funcs[0].note);
	target_free(t);

	T_EQ(FIND(&t, "prog", "*alias"), 0);
	T_EQ(t->nfuncs, 1);
	T_STR(t->funcs[0].name, "alias");
	T_STR(t->funcs[0].note, "also _alias");
	target_free(t);
}

static void oddities(void)
{
	struct tfile *t;

	REFUSED(-ENOTSUP, "prog", "pick", "indirect function", "e.g. __pick_fast");
	REFUSED(-ENOTSUP, "prog", "elsewhere", "not in the file");
	T_EQ(FIND(&t, "prog", "sizeless"), 0);
	T_STR(t->funcs[0].note, "symbol without a size");
	target_free(t);
	/* A glob lists what it cannot time, with the reason, beside what it can. */
	T_EQ(FIND(&t, "prog", "*pick*"), 0);
	T_EQ(t->nfuncs, 2);
	T_OK(named(t, "pick") && named(t, "pick")->refused);
	T_OK(named(t, "__pick_fast") && !named(t, "__pick_fast")->refused);
	target_free(t);
}

static void not_found(void)
{
	struct tfile *t;

	REFUSED(-ENOENT, "prog", "handle_oen", "prog", "handle_oen", "did you mean handle_one");
	REFUSED(-ENOENT, "prog", "nothing*", "no function of prog matches nothing*");
	REFUSED(-ENOENT, "prog", "area::x", "as the linker sees them");
	REFUSED(-EINVAL, "prog", "", "empty");
	T_EQ(target_file(&t, file("prog"), "prog", "", NULL, 0), -EINVAL);
	/* One of several patterns that finds nothing is not passed over. */
	T_EQ(FIND(&t, "prog", "handle_one", "nothing"), -ENOENT);
	T_OK(strstr(fail_text(-ENOENT), "nothing") && !t);
}

static void symbols(void)
{
	struct tfile *t;
	uint64_t off;

	T_EQ(FIND(&t, "prog", "twin", "handle_one"), 0);
	off = named(t, "handle_one") ? named(t, "handle_one")->entry_off : 0;
	target_free(t);
	/* -rdynamic leaves exported names in a stripped file, static ones are gone. */
	T_EQ(FIND(&t, "stripped", "handle_one"), 0);
	T_EQ(t->funcs[0].entry_off, off);
	target_free(t);
	REFUSED(-ENOENT, "stripped", "twin", "stripped", "build-id 0123456789abcdef");
	REFUSED(-ENOENT, "bare", "main", "bare", "debug symbols");
	/* The separate debug file that .gnu_debuglink names, in .debug/ beside the file. */
	T_EQ(sh("mkdir .debug && objcopy --only-keep-debug prog .debug/prog.debug && cp stripped "
		"linked && "
		"objcopy --add-gnu-debuglink=.debug/prog.debug linked"),
	     0);
	T_EQ(FIND(&t, "linked", "twin", "handle_one"), 0);
	T_EQ(t ? t->nfuncs : 0, 3);
	T_EQ(named(t, "handle_one") ? named(t, "handle_one")->entry_off : 0, off);
	target_free(t);
}

static void versions(void)
{
	struct tfile *t = NULL;

	put("v.c",
	    "int v_impl(int x) { return x; }\n__asm__(\".symver v_impl, versioned@@V1\");\n");
	put("v.map", "V1 { versioned; };\n");
	T_EQ(sh("${CC:-cc} -shared -fPIC -Wl,--version-script=v.map v.c -o libv.so && nm libv.so | "
		"grep -q @"),
	     0);
	T_EQ(FIND(&t, "libv.so", "versioned"), 0);
	T_EQ(t ? t->nfuncs : 0, 1);
	T_STR(t ? t->funcs[0].name : "", "versioned");
	target_free(t);
	REFUSED(-ENOENT, "libv.so", "versionde", "did you mean versioned?");
}

static void no_programs(void)
{
	REFUSED(-ENOENT, "missing", "main", "no such file: missing");
	REFUSED(-EISDIR, ".", "main", "is a directory");
	put("script", "#! /usr/bin/python3 -u\nprint()\n");
	REFUSED(-ENOEXEC, "script", "main", "a script run by /usr/bin/python3 -u");
	put("text", "hello, world\n");
	REFUSED(-ENOEXEC, "text", "main", "text is not a program");
	put("empty", "");
	REFUSED(-ENOEXEC, "empty", "main", "empty file");
	T_EQ(sh("printf '\\177ELF\\1\\1\\1' >elf32 && truncate -s 64 elf32"), 0);
	REFUSED(-EPROTONOSUPPORT, "elf32", "main", "32-bit");
	T_EQ(mkfifo(file("fifo"), 0600), 0);
	REFUSED(-EINVAL, "fifo", "main", "not a regular file");
	T_EQ(sh("head -c 200 prog >cut"), 0);
	REFUSED(-EBADMSG, "cut", "main", "cut");
	/* UPX leaves its magic behind the headers; nothing else of the file matters. */
	T_EQ(sh("cp prog upx && printf 'UPX!' | dd of=upx bs=1 seek=1200 conv=notrunc status=none"),
	     0);
	REFUSED(-ENOEXEC, "upx", "main", "upx is packed (UPX");
}

static void no_permission(void)
{
	int status = -1;
	pid_t pid;

	if (geteuid())
		return;
	T_EQ(sh("mkdir locked && cp prog locked/prog && chmod 700 . && chmod 0 locked"), 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct tfile *t;

		if (setuid(65534))
			_exit(99);
		_exit(FIND(&t, "locked/prog", "main") == -EACCES &&
				      strstr(fail_text(-EACCES),
					     "no permission to read locked/prog")
			      ? 0
			      : 1);
	}
	T_EQ(waitpid(pid, &status, 0), pid);
	T_EQ(status, 0);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 99;
	if (!build()) {
		printf("skip: no C compiler\n");
		sh("cat cc.log; rm -r %s", dir);
		return 77;
	}
	exact_and_glob();
	offsets();
	clones();
	twins_and_aliases();
	oddities();
	not_found();
	symbols();
	versions();
	no_programs();
	no_permission();
	sh("chmod 700 locked; rm -r %s", dir);
	return t_done();
}
