# Listens to sd_notify messages at the path that it is given, and prints each on a line of its own.
use Socket; use IO::Handle;
STDOUT->autoflush(1);
socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
print "listening\n";
while (defined recv($socket, my $message, 65536, 0)) {
  $message =~ s/\n/ /g;
  print "$message\n";
}
