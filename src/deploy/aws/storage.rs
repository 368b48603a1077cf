//! Templates that are too large for a request.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;

use super::errors::{HEAD, failed};
use crate::deploy::cloud::{Answer, CloudErrorKind, Target};

/// The address that S3 is asked at, if it is not AWS's own: then buckets are named in the path, because nothing resolves
/// `BUCKET.localhost`.
pub(super) fn endpoint(config: &SdkConfig) -> Option<String> {
    let own = std::env::var_os("AWS_ENDPOINT_URL_S3").map(|address| address.to_string_lossy().into_owned());
    own.or_else(|| config.endpoint_url().map(str::to_owned)).filter(|address| !address.is_empty())
}

/// Where CloudFormation looks for an object. It reads the bucket itself, so this is AWS's own name of it, whatever address
/// we were given for S3; engines that stand in for AWS read the bucket's name from it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
fn address(target: &Target, partition: &str, bucket: &str, key: &str) -> String {
    let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    let region = &target.region;
    if bucket.contains('.') {
        // The certificate of `*.s3.REGION` has no names with two dots.
        format!("https://s3.{region}.{domain}/{bucket}/{key}")
    } else {
        format!("https://{bucket}.s3.{region}.{domain}/{key}")
    }
}

/// Puts a template that is not there yet. Keys are made from digests: what has the key has the content. A bucket of another
/// account is refused, for names of buckets can be guessed and taken by others:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>
pub(super) async fn put(
    client: &Client,
    target: &Target,
    partition: &str,
    bucket: &str,
    key: &str,
    body: &[u8],
) -> Answer<String> {
    // Who may not list a bucket hears 403 of what is not there: to put it once more does no harm.
    let there = client.head_object().bucket(bucket).key(key).expected_bucket_owner(&target.account).send().await;
    let there = match there {
        Ok(_) => true,
        Err(error) => match failed(HEAD, &error) {
            error if matches!(error.kind, CloudErrorKind::NotFound | CloudErrorKind::Denied) => false,
            error => return Err(error),
        },
    };
    if !there {
        client
            .put_object()
            .bucket(bucket)
            .key(key)
            .expected_bucket_owner(&target.account)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .content_type("application/json")
            .body(ByteStream::from(body.to_vec()))
            .send()
            .await
            .map_err(|error| failed("s3:PutObject", &error))?;
    }
    Ok(address(target, partition, bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_partition() {
        let at = |region: &str| Target { account: "111111111111".to_owned(), region: region.to_owned() };
        for (region, partition, bucket, expected) in [
            ("us-east-1", "aws", "b", "https://b.s3.us-east-1.amazonaws.com/t/k.json"),
            ("cn-north-1", "aws-cn", "b", "https://b.s3.cn-north-1.amazonaws.com.cn/t/k.json"),
            ("eu-west-1", "aws", "a.b", "https://s3.eu-west-1.amazonaws.com/a.b/t/k.json"),
        ] {
            assert_eq!(address(&at(region), partition, bucket, "t/k.json"), expected);
        }
    }
}
