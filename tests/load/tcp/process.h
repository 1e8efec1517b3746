/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef TCP_PROCESS_H
#define TCP_PROCESS_H
/* What main() alone calls: of options.c, and of base.c the two processes as a whole. */
#include <stdbool.h>

void parse(int argc, char **argv); /* into opt and the_case; a mistake ends the program with 2 */
void roles_start(void); /* forks them; they hold the listeners from then on */
bool roles_ready(void); /* false: one gave up before it was set up */
void roles_go(void);
#endif
