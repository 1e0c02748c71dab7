/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHILD_H
#define CHILD_H

/* A command that is run, or another process that is waited for. */

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int go;			/* written to: begin */
	int failure;		/* read: why it could not be executed */
};

/* How some signals were handled when the program started: what the command finds again. */
struct inherited {
	void (*sigpipe)(int sig);
	void (*sigchld)(int sig);
};

/* What nobody can tell from the command's own statuses, so as env(1) does it. */
#define EXIT_TOOL_FAILED	125
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

/*
 * Makes a process for the command that waits: what making it costs comes before what is
 * measured.  0, or -1 with a message.
 */
int child_prepare(struct child *c, char **argv, const struct inherited *inherited);

/*
 * Lets it run and waits for its end.  Meanwhile interrupts from the terminal, which
 * it gets as well, do nothing here, and SIGTERM and SIGHUP are passed on to it.
 * *status is its exit status or 128 + its signal, *sig is the signal or 0.  0, or -1
 * with a message: it could not be executed; *status is one of the above.
 */
int child_run(struct child *c, const char *name, int *status, int *sig);

/*
 * Whether this program got an interrupt or was to end meanwhile: the command may have caught its
 * own, and ended as it liked.
 */
bool child_was_interrupted(void);

/* Never lets it run. */
void child_cancel(struct child *c);

/*
 * Waits until another process ends, or an interrupt comes.  0, or -1 with a message: there is no
 * such process.
 */
int wait_for_process(pid_t pid);

#endif
