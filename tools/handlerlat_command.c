// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The command of "handlerlat ... -- COMMAND".
 */
#include "handlerlat_parts.h"
#include "log.h"
#include "priv.h"
#include "proc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXEC_WAIT_MS 2000 /* how long to wait for the command to become its program */

pid_t command_pid;
static int command_go = -1;

int command_hold(char **cmd)
{
	int go[2];
	char c;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	command_pid = fork();
	if (command_pid < 0)
		return fail(-errno, "cannot fork: %s", strerror(errno));
	if (!command_pid) {
		close(go[1]);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		signal(SIGPIPE, SIG_DFL);
		if (read(go[0], &c, 1) < 0 || c != 'g')
			_exit(127);
		execvp(cmd[0], cmd);
		fprintf(stderr, "handlerlat: cannot run %s: %s\n", cmd[0], strerror(errno));
		_exit(127);
	}
	close(go[0]);
	command_go = go[1];
	return 0;
}

int command_release(void)
{
	struct timespec ms = {.tv_nsec = 1000000};
	char path[64];
	struct stat own, st;

	if (write(command_go, "g", 1) != 1)
		return fail(-errno, "cannot start the command: %s", strerror(errno));
	close(command_go);
	command_go = -1;
	if (stat("/proc/self/exe", &own) || proc_exe_path(command_pid, path, sizeof(path)))
		return 0;
	/* Its memory can be opened once it is the new program's, and not without privileges. */
	for (int i = 0; i < EXEC_WAIT_MS && !stat(path, &st); i++) {
		if (st.st_ino != own.st_ino || st.st_dev != own.st_dev) {
			frames_remember(command_pid);
			break;
		}
		nanosleep(&ms, NULL);
	}
	return 0;
}

void command_end(void)
{
	int status;

	if (command_pid <= 0)
		return;
	if (command_go >= 0)
		close(command_go);
	kill(command_pid, SIGTERM);
	if (waitpid(command_pid, &status, WNOHANG) == command_pid && WIFSIGNALED(status))
		log_info("the command was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
}
