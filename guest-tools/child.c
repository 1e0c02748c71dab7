// SPDX-License-Identifier: GPL-2.0-or-later
#include "child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t passed_on_to;
static volatile sig_atomic_t interrupted;

static void pass_on(int sig)
{
	interrupted = 1;
	if (passed_on_to)
		kill(passed_on_to, sig);
}

static void note_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void on_signal(int sig, void (*handler)(int sig), struct sigaction *before)
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	sigaction(sig, NULL, before);
	/* What nohup or a shell's background job ignores stays ignored. */
	if (before->sa_handler != SIG_IGN)
		sigaction(sig, &action, NULL);
}

static _Noreturn void become(char **argv, int go, int failure, const struct inherited *inherited)
{
	char byte;
	int error;

	if (inherited->sigpipe != SIG_ERR)
		signal(SIGPIPE, inherited->sigpipe);
	if (inherited->sigchld != SIG_ERR)
		signal(SIGCHLD, inherited->sigchld);
	/* End of file: child_cancel(), or the parent is gone. */
	if (read(go, &byte, 1) != 1)
		_exit(EXIT_TOOL_FAILED);
	execvp(argv[0], argv);
	error = errno;
	while (write(failure, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Both ends close when a program is executed. */
static int make_pipe(int fds[2])
{
	if (pipe(fds))
		return -1;
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

int child_prepare(struct child *c, char **argv, const struct inherited *inherited)
{
	int go[2], failure[2];

	if (make_pipe(go)) {
		warn("cannot make a pipe");
		return -1;
	}
	if (make_pipe(failure)) {
		warn("cannot make a pipe");
		close(go[0]);
		close(go[1]);
		return -1;
	}
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		close(failure[0]);
		become(argv, go[0], failure[1], inherited);
	}
	close(go[0]);
	close(failure[1]);
	c->go = go[1];
	c->failure = failure[0];
	if (c->pid > 0)
		return 0;
	warn("cannot make a process");
	close(c->go);
	close(c->failure);
	return -1;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int child_run(struct child *c, const char *name, int *status, int *sig)
{
	struct sigaction old_int, old_quit, old_term, old_hup;
	int wait_status, error = 0;

	interrupted = 0;
	passed_on_to = c->pid;
	on_signal(SIGINT, note_interrupt, &old_int);
	on_signal(SIGQUIT, note_interrupt, &old_quit);
	on_signal(SIGTERM, pass_on, &old_term);
	on_signal(SIGHUP, pass_on, &old_hup);

	while (write(c->go, "", 1) < 0 && errno == EINTR)
		;
	wait_status = wait_for(c->pid);

	passed_on_to = 0;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	sigaction(SIGHUP, &old_hup, NULL);

	if (read(c->failure, &error, sizeof(error)) == sizeof(error)) {
		errno = error;
		warn("cannot run '%s'", name);
	}
	close(c->go);
	close(c->failure);
	*sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	*status = *sig ? 128 + *sig : WEXITSTATUS(wait_status);
	return error ? -1 : 0;
}

bool child_was_interrupted(void)
{
	return interrupted;
}

void child_cancel(struct child *c)
{
	close(c->go);
	close(c->failure);
	wait_for(c->pid);
}

int wait_for_process(pid_t pid)
{
	struct sigaction old_int, old_term;
	struct pollfd poll_fd = { .events = POLLIN };
	int timeout = -1;

	if (kill(pid, 0) && errno == ESRCH) {
		warnx("there is no process %ld", (long)pid);
		return -1;
	}
	/* pidfd_open() is younger than some C libraries; where it is missing, look again and again. */
	poll_fd.fd = syscall(SYS_pidfd_open, pid, 0);
	if (poll_fd.fd < 0)
		timeout = 100;
	on_signal(SIGINT, note_interrupt, &old_int);
	on_signal(SIGTERM, note_interrupt, &old_term);
	while (!interrupted && poll(&poll_fd, 1, timeout) <= 0 && !(kill(pid, 0) && errno == ESRCH))
		;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	if (poll_fd.fd >= 0)
		close(poll_fd.fd);
	return 0;
}
