#!/usr/bin/perl
# Sends notifications to PNS: perl producer.pl < notifications.ndjson. Perl 5.14 or later, only modules of Perl itself.
# An https address needs IO::Socket::SSL (Debian: libio-socket-ssl-perl).
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Time::HiRes qw(sleep);

my $url = ($ENV{PNS_URL} // 'http://localhost:3000') . '/v1/notifications';
my $lines_per_batch = 500;
my $attempts = 12;
# Faults of the service, not of the notification.
my %is_temporary = map { $_ => 1 } qw(RATE_LIMITED OVERLOADED REDIS_UNREACHABLE STOPPING);
my %counts = (accepted => 0, duplicate => 0, refused => 0);
my $http = HTTP::Tiny->new(timeout => 60, verify_SSL => 1);
my %headers = ('Authorization' => "Bearer $ENV{PNS_KEY}", 'Content-Type' => 'application/x-ndjson');
binmode STDERR, ':encoding(UTF-8)';

# The server's delay, else a random delay that doubles after each attempt, so that producers do not all return at once.
sub delay_seconds {
    my ($retry_after, $attempt) = @_;
    return $retry_after if defined $retry_after && $retry_after =~ /^\d+$/;
    my $seconds = 2**$attempt;
    return ($seconds < 60 ? $seconds : 60) * (0.5 + rand(0.5));
}

sub refuse {
    my ($line, $error) = @_;
    $counts{refused}++;
    my $sentence = $error->{error} // $error->{detail} // '';
    print STDERR decode_json($line)->{id}, ': ', $error->{code} // '', " $sentence\n";
}

# Counts the lines that have a result, and returns the others.
sub without_result {
    my ($answer, @lines) = @_;
    my $status = $answer->{status};
    # HTTP::Tiny returns 599 if there is no answer, so the lines may have arrived.
    return @lines if $status == 429 || $status >= 500;
    my $body = eval { decode_json($answer->{content}) } // {};
    my $is_listed = $status == 202 || $status == 207;
    my %listed;
    for my $each (@{ $is_listed ? $body->{notifications} : [] }) {
        $counts{ $each->{status} }++;
        $listed{ $each->{index} } = 1;
    }
    my %errors = map { $_->{index} => $_ } grep { defined $_->{index} } @{ $body->{errors} // [] };
    my @left;
    for my $index (0 .. $#lines) {
        next if $listed{$index};
        my $error = $errors{$index} // ($is_listed ? undef : $body);
        if (defined $error && !$is_temporary{ $error->{code} // '' }) { refuse($lines[$index], $error) }
        else { push @left, $lines[$index] }
    }
    return @left;
}

sub send_batch {
    my @lines = @_;
    for my $attempt (0 .. $attempts - 1) {
        my $answer = $http->post($url, { headers => \%headers, content => join("\n", @lines) });
        @lines = without_result($answer, @lines);
        return if !@lines;
        sleep delay_seconds($answer->{headers}{'retry-after'}, $attempt);
    }
    die scalar(@lines), " notifications were not sent; start again with the same lines.\n";
}

my @batch;
while (my $line = <STDIN>) {
    $line =~ s/^\s+|\s+$//g;
    next if $line eq '';
    # An id that is generated here would differ after a restart, so that the notification would be sent twice.
    my $id = decode_json($line)->{id};
    die "A notification needs the id of its event: $line\n" if !defined $id || ref $id;
    push @batch, $line;
    send_batch(splice @batch) if @batch == $lines_per_batch;
}
send_batch(@batch) if @batch;
print "$counts{accepted} accepted, $counts{duplicate} duplicates, $counts{refused} refused\n";
exit($counts{refused} == 0 ? 0 : 1);
