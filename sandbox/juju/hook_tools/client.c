/* The one program behind every hook tool: it hands its name and arguments to the controller
 * and prints what comes back.
 *
 * A request is "JUT1", the number of fields, and each field with its length; the fields are
 * the context id, the model's UUID, the working folder, "1" or "0" for whether stdin follows,
 * stdin, the tool's name, and its arguments. An answer is exit code, length of stdout, length
 * of stderr, and both. Numbers are 32 bits, little endian.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *tool = "hook-tool";

static void fail(const char *what, const char *why) {
    fprintf(stderr, "ERROR %s: %s: %s\n", tool, what, why);
    exit(1);
}

struct buffer {
    char *data;
    size_t size, room;
};

static void reserve(struct buffer *b, size_t more) {
    if (b->size + more <= b->room) return;
    b->room = (b->size + more) * 2;
    b->data = realloc(b->data, b->room);
    if (b->data == NULL) fail("cannot hold the request", "out of memory");
}

static void append(struct buffer *b, const void *data, size_t size) {
    reserve(b, size);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void append_number(struct buffer *b, size_t value) {
    if (value > UINT32_MAX) fail("cannot send the request", "a field is over 4 GiB");
    unsigned char bytes[4] = {value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24 & 255};
    append(b, bytes, 4);
}

static void append_field(struct buffer *b, const void *data, size_t size) {
    append_number(b, size);
    append(b, data, size);
}

static void append_text(struct buffer *b, const char *text) {
    append_field(b, text ? text : "", text ? strlen(text) : 0);
}

/* Only `--file -` reads stdin: any other tool would wait for a caller that never closes it. */
static int wants_stdin(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--file=-") == 0) return 1;
        if (strcmp(argv[i], "--file") == 0 && i + 1 < argc && strcmp(argv[i + 1], "-") == 0) return 1;
    }
    return 0;
}

static struct buffer read_stdin(void) {
    struct buffer b = {0};
    for (;;) {
        reserve(&b, 65536);
        ssize_t got = read(0, b.data + b.size, 65536);
        if (got == 0) return b;
        if (got > 0) b.size += got;
        else if (errno != EINTR) fail("cannot read stdin", strerror(errno));
    }
}

/* The controller's socket: from the hook's environment, else from beside this program. */
static void find_socket(char *path, size_t room) {
    const char *address = getenv("JUJU_AGENT_SOCKET_ADDRESS");
    if (address == NULL || *address == '\0') {
        char self[PATH_MAX + 16] = {0};
        ssize_t size = readlink("/proc/self/exe", self, PATH_MAX);
        if (size < 0) fail("cannot find the agent", strerror(errno));
        strcat(dirname(self), "/address");
        FILE *file = fopen(self, "r");
        if (file == NULL || fgets(path, room, file) == NULL) fail("cannot find the agent", self);
        fclose(file);
        path[strcspn(path, "\n")] = '\0';
        return;
    }
    if (strlen(address) >= room) fail("cannot find the agent", "its socket's path is too long");
    strcpy(path, address);
}

static int dial(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    find_socket(address.sun_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("cannot open a socket", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("cannot reach the agent", strerror(errno));
    return fd;
}

static void send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return; /* A refusal may be on its way: read it. */
        data += sent;
        size -= sent;
    }
}

static void receive_all(int fd, char *data, size_t size) {
    while (size > 0) {
        ssize_t got = read(fd, data, size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("lost the agent", strerror(errno));
        if (got == 0) fail("lost the agent", "it closed the connection");
        data += got;
        size -= got;
    }
}

static uint32_t number(const unsigned char *b) {
    return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static void relay(int from, int to, size_t size) {
    static char chunk[65536];
    while (size > 0) {
        size_t part = size < sizeof chunk ? size : sizeof chunk;
        receive_all(from, chunk, part);
        for (size_t done = 0; done < part;) {
            ssize_t written = write(to, chunk + done, part - done);
            if (written < 0 && errno != EINTR) exit(1);
            if (written > 0) done += written;
        }
        size -= part;
    }
}

int main(int argc, char **argv) {
    char directory[PATH_MAX];
    tool = basename(argv[0]);
    if (getcwd(directory, sizeof directory) == NULL) strcpy(directory, "/");
    int with_stdin = wants_stdin(argc, argv);
    struct buffer input = {0}, request = {0};
    if (with_stdin) input = read_stdin();
    append(&request, "JUT1", 4);
    append_number(&request, 5 + argc);
    append_text(&request, getenv("JUJU_CONTEXT_ID"));
    // A process that a hook left behind is on its unit's machine, of which this is all it knows.
    const char *model = getenv("JUJU_MODEL_UUID");
    append_text(&request, model ? model : getenv("SANDBOX_MODEL"));
    append_text(&request, directory);
    append_text(&request, with_stdin ? "1" : "0");
    append_field(&request, input.data ? input.data : "", input.size);
    append_text(&request, tool);
    for (int i = 1; i < argc; i++) append_text(&request, argv[i]);
    int fd = dial();
    send_all(fd, request.data, request.size);
    unsigned char head[12];
    receive_all(fd, (char *)head, sizeof head);
    relay(fd, 1, number(head + 4));
    relay(fd, 2, number(head + 8));
    return (int)number(head);
}
